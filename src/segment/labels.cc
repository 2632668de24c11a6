// Node labels: what mining reads instead of the nodes.
//
// A label says what a node is and what it stands between: the operation with its kernel, the sorted
// multiset of the operations that feed it, the sorted multiset of those that consume it. Two nodes
// with equal labels become the same letter, so byte-pair encoding sees "a convolution between a
// relu and a normalisation", not just "a convolution". Strides, channels and resolutions are left
// out: propagation adapts them anyway.
//
// Keys are 64-bit hashes of content. Neighbours enter as a sum of mixed codes, which is independent
// of their order and costs one addition an edge; sorting is needed for the readable text alone.
// Channels of mutation stay closed to ports and to operators that are never changed: they carry no
// label, so a segment never contains one, and everything around them stays mutable.
//
// Letters are CJK ideographs (as in the paper), 3 bytes of UTF-8 each, then the private planes. All
// of them survive SentencePiece with identity normalisation.
//
// Tested by tests/segment/labels_test.cc.

#include "labels.h"

#include <algorithm>
#include <charconv>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

constexpr std::uint64_t kIncoming = 0x1d8e4e27c47d124fULL;
constexpr std::uint64_t kOutgoing = 0xeb44accab455d165ULL;

std::uint64_t context_free_key(OpKind op, const std::array<std::int32_t, 2>& kernel) {
  const std::uint64_t window =
      op_info(op).windowed
          ? (static_cast<std::uint64_t>(static_cast<std::uint32_t>(kernel[0])) << 32) |
                static_cast<std::uint32_t>(kernel[1])
          : 0;
  return hash_combine(static_cast<std::uint64_t>(op_number(op)) + 1, window);
}

std::uint64_t neighbour(OpKind op, std::uint64_t side) {
  return mix64(side ^ static_cast<std::uint64_t>(op_number(op)));
}

std::uint64_t full_key(std::uint64_t context_free, std::uint64_t incoming, std::uint64_t outgoing) {
  return hash_combine(context_free, hash_combine(incoming, outgoing));
}

std::string op_list(const std::vector<OpKind>& ops) {
  std::string text = "[";
  for (const OpKind op : ops) {
    if (text.size() > 1) text += ',';
    text += op_name(op);
  }
  return text + "]";
}

/// Eats "[a,b]" from the front of `rest`.
std::vector<OpKind> take_op_list(std::string_view& rest, const std::string& at) {
  const std::size_t close = rest.find(']');
  AUTOGO_REQUIRE(!rest.empty() && rest.front() == '[' && close != std::string_view::npos,
                 ErrorKind::kInput, at + ": expected a list of operators in brackets");
  std::string_view list = rest.substr(1, close - 1);
  rest.remove_prefix(close + 1);
  std::vector<OpKind> ops;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const auto op = op_from_name(list.substr(0, comma));
    AUTOGO_REQUIRE(op.has_value(), ErrorKind::kInput,
                   at + ": unknown operator '" + std::string(list.substr(0, comma)) + "'");
    ops.push_back(*op);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  std::sort(ops.begin(), ops.end());
  return ops;
}

/// Splits "conv3x3" into the operator and its kernel.
void parse_operation(std::string_view text, Label& label, const std::string& at) {
  if (const auto plain = op_from_name(text); plain && !op_info(*plain).windowed) {
    label.op = *plain;
    return;
  }
  const std::size_t name_end = text.find_last_not_of("0123456789x") + 1;
  const auto op = op_from_name(text.substr(0, name_end));
  const char* const end = text.data() + text.size();
  const auto height = std::from_chars(text.data() + name_end, end, label.kernel[0]);
  const bool times = height.ec == std::errc() && height.ptr != end && *height.ptr == 'x';
  const auto width = times ? std::from_chars(height.ptr + 1, end, label.kernel[1]) : height;
  AUTOGO_REQUIRE(
      op && op_info(*op).windowed && times && width.ec == std::errc() && width.ptr == end,
      ErrorKind::kInput, at + ": unknown operation '" + std::string(text) + "'");
  label.op = *op;
}

}  // namespace

std::uint64_t label_key(const Label& label) {
  const std::uint64_t own = context_free_key(label.op, label.kernel);
  if (label.context_free) return own;
  std::uint64_t incoming = 0, outgoing = 0;
  for (const OpKind op : label.incoming) incoming += neighbour(op, kIncoming);
  for (const OpKind op : label.outgoing) outgoing += neighbour(op, kOutgoing);
  return full_key(own, incoming, outgoing);
}

std::string to_string(const Label& label) {
  std::string text = op_name(label.op);
  if (op_info(label.op).windowed) {
    text += std::to_string(label.kernel[0]) + "x" + std::to_string(label.kernel[1]);
  }
  if (!label.context_free) text += op_list(label.incoming) + op_list(label.outgoing);
  return text;
}

Label parse_label(std::string_view text) {
  const std::string at = "label '" + std::string(text.substr(0, 80)) + "'";
  Label label;
  const std::size_t bracket = std::min(text.find('['), text.size());
  parse_operation(text.substr(0, bracket), label, at);
  std::string_view rest = text.substr(bracket);
  if (rest.empty()) return label;
  label.context_free = false;
  label.incoming = take_op_list(rest, at);
  label.outgoing = take_op_list(rest, at);
  AUTOGO_REQUIRE(rest.empty(), ErrorKind::kInput, at + ": text after the label");
  return label;
}

bool has_label(const Node& node) {
  const ShapeClass shape_class = op_info(node.op).shape_class;
  return shape_class != ShapeClass::kPort && shape_class != ShapeClass::kFixed;
}

std::vector<LabelKeys> label_keys(const Graph& graph, const Uses& uses) {
  std::vector<LabelKeys> keys(graph.num_nodes());
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (!has_label(node)) continue;
    std::uint64_t incoming = 0, outgoing = 0;
    for (const ValueId v : graph.inputs(id)) {
      incoming += neighbour(graph.node(graph.value(v).producer).op, kIncoming);
    }
    for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
      for (const Uses::Use& use : uses.of(graph.output(id, port))) {
        outgoing += neighbour(graph.node(use.node).op, kOutgoing);
      }
    }
    keys[n].context_free = context_free_key(node.op, node.attrs.kernel);
    keys[n].full = full_key(keys[n].context_free, incoming, outgoing);
  }
  return keys;
}

Label label_of(const Graph& graph, const Uses& uses, NodeId id, bool context_free) {
  const Node& node = graph.node(id);
  Label label;
  label.op = node.op;
  if (op_info(node.op).windowed) label.kernel = node.attrs.kernel;
  label.context_free = context_free;
  if (context_free) return label;
  for (const ValueId v : graph.inputs(id)) {
    label.incoming.push_back(graph.node(graph.value(v).producer).op);
  }
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    for (const Uses::Use& use : uses.of(graph.output(id, port))) {
      label.outgoing.push_back(graph.node(use.node).op);
    }
  }
  std::sort(label.incoming.begin(), label.incoming.end());
  std::sort(label.outgoing.begin(), label.outgoing.end());
  return label;
}

Symbol Alphabet::find(std::uint64_t key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? kNoSymbol : it->second;
}

Symbol Alphabet::add(const Label& label) {
  AUTOGO_REQUIRE(texts_.size() < kMaxSize, ErrorKind::kUnsupported,
                 "more than " + std::to_string(kMaxSize) + " labels");
  const auto [it, added] =
      by_key_.try_emplace(label_key(label), static_cast<Symbol>(texts_.size()));
  if (added) texts_.push_back(to_string(label));
  return it->second;
}

namespace {

struct CodeRange {
  char32_t first;
  std::uint32_t size;
};
/// CJK unified ideographs, then private planes 15 and 16.
constexpr std::array<CodeRange, 3> kRanges = {
    {{0x4e00, 20000}, {0xf0000, 65000}, {0x100000, 65000}}};

char32_t code_point(Symbol symbol) {
  for (const CodeRange& range : kRanges) {
    if (symbol < range.size) return range.first + symbol;
    symbol -= range.size;
  }
  AUTOGO_CHECK(!"symbol out of range");
  return 0;
}

Symbol symbol_at(char32_t code) {
  Symbol before = 0;
  for (const CodeRange& range : kRanges) {
    if (code >= range.first && code < range.first + range.size)
      return before + (code - range.first);
    before += range.size;
  }
  return kNoSymbol;
}

}  // namespace

void append_utf8(Symbol symbol, std::string& text) {
  const char32_t c = code_point(symbol);
  if (c >= 0x10000) {
    text += static_cast<char>(0xf0U | (c >> 18));
    text += static_cast<char>(0x80U | ((c >> 12) & 0x3fU));
  } else {
    text += static_cast<char>(0xe0U | (c >> 12));
  }
  text += static_cast<char>(0x80U | ((c >> 6) & 0x3fU));
  text += static_cast<char>(0x80U | (c & 0x3fU));
}

std::vector<Symbol> symbols_from_utf8(std::string_view text) {
  std::vector<Symbol> symbols;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 1;
    char32_t code = length == 4 ? lead & 0x07U : lead & 0x0fU;
    bool whole = length > 1 && i + length <= text.size();
    for (std::size_t k = 1; whole && k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      whole = (byte & 0xc0U) == 0x80U;
      code = (code << 6) | (byte & 0x3fU);
    }
    const Symbol symbol = whole ? symbol_at(code) : kNoSymbol;
    AUTOGO_REQUIRE(symbol != kNoSymbol, ErrorKind::kInput,
                   "byte " + std::to_string(i) + " of a piece is no symbol of ours");
    symbols.push_back(symbol);
    i += length;
  }
  return symbols;
}

}  // namespace autogo
