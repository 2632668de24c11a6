#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// A position in the alphabet.
using Symbol = std::uint32_t;
/// The label is in no alphabet: a node that merges with nothing.
inline constexpr Symbol kNoSymbol = 0xffffffffU;

/// [operation with kernel, sorted incoming operations, sorted outgoing operations] (AutoGO, 3.1 and
/// A.5.2), in clear. A context-free label has no neighbours.
struct Label {
  OpKind op = OpKind::kOpaque;
  std::array<std::int32_t, 2> kernel{1, 1};  ///< height, width; 1x1 for operators without a window
  bool context_free = true;
  std::vector<OpKind> incoming, outgoing;  ///< sorted, one element an edge
};

/// The key by which labels are compared; depends on the label's content only.
std::uint64_t label_key(const Label& label);

/// "conv3x3[relu][add,batch_norm]"; context-free: "conv3x3".
std::string to_string(const Label& label);
/// The inverse. @throws Error kInput "label '...': ..."
Label parse_label(std::string_view text);

/// The keys of one node.
struct LabelKeys {
  std::uint64_t full = 0;
  std::uint64_t context_free = 0;
};

/// False for ports and for operators that are never mutated (ShapeClass::kFixed): they have no
/// label, and no segment runs across them.
bool has_label(const Node& node);

/// Keys of every node by its id, zeros where has_label() is false. O(nodes + edges).
std::vector<LabelKeys> label_keys(const Graph& graph, const Uses& uses);

/// The label of one node, in clear.
Label label_of(const Graph& graph, const Uses& uses, NodeId id, bool context_free);

/// The labels of a vocabulary, one code point each.
class Alphabet {
 public:
  /// The most labels that fit: CJK ideographs first, then the private planes.
  static constexpr std::size_t kMaxSize = 20000 + 2 * 65000;

  /// kNoSymbol when it is not there.
  Symbol find(std::uint64_t key) const;
  /// @return its symbol, the old one when it is there already
  /// @throws Error kUnsupported above kMaxSize labels
  Symbol add(const Label& label);
  std::size_t size() const { return texts_.size(); }
  const std::string& text(Symbol symbol) const { return texts_[symbol]; }

  /// The symbol of a node: its own label's, else the context-free one's, else kNoSymbol.
  Symbol symbol_of(const LabelKeys& keys) const {
    const Symbol own = find(keys.full);
    return own != kNoSymbol ? own : find(keys.context_free);
  }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::uint64_t, Symbol> by_key_;
};

/// Appends the code point that stands for a symbol, as UTF-8.
void append_utf8(Symbol symbol, std::string& text);
/// The symbols of a UTF-8 text. @throws Error kInput for what no symbol encodes to
std::vector<Symbol> symbols_from_utf8(std::string_view text);

}  // namespace autogo
