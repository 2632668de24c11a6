// Graphs of NAS-Bench-101 cells (Ying et al., 2019).
//
// A network is a stem, three stacks of three equal modules, and a head. A module is a DAG of up to
// seven vertices: 0 is its input, the last one its output, the others a 3x3 convolution, a 1x1
// convolution (each followed by batch norm and ReLU) or a 3x3 max pooling.
//
// What needs care is the channel rule. The vertices that feed the output share its channels, the
// first ones taking one more when the division leaves a remainder; any other vertex is as wide as
// the widest vertex that it feeds. So a vertex can be one channel wider than a vertex that reads
// it. The benchmark's network then slices the operand. The slice is no operation of its own in the
// benchmark's count, and one cell in five needs it, so here it is an attribute of the consumer:
// `Attrs::ints = {c}` on a convolution, pooling or sum means that it reads the first c channels of
// each operand (docs/decisions/0004-channel-truncation.md).
//
// The module's input is brought to a vertex's width by a 1x1 projection, one for every vertex that
// reads it. Operands of a vertex are summed by one n-ary add, in ascending order of the
// predecessors, the projection last; a single operand needs none.
//
// Tested by tests/corpus/nasbench101_test.cc: published parameter counts of every row of the table.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "builder.h"
#include "nasbench.h"

namespace autogo {
namespace {

constexpr std::size_t kMaxVertices = 7;
constexpr int kMaxEdges = 9;
constexpr float kEpsilon = 1e-5F;

struct Cell {
  std::size_t size = 0;
  std::array<std::array<bool, kMaxVertices>, kMaxVertices> edge{};
  std::array<char, kMaxVertices> op{};  ///< '3', '1' or 'm' for inner vertices
};

[[noreturn]] void bad_cell(std::string_view id, const std::string& why) {
  throw Error(ErrorKind::kInput, "NAS-Bench-101 cell '" + std::string(id) + "': " + why);
}

Cell parse_cell(std::string_view id) {
  std::string_view rest = id;
  if (rest.starts_with(kNasbench101Prefix)) rest.remove_prefix(kNasbench101Prefix.size());
  const std::size_t first = rest.find(':');
  const std::size_t second = first == rest.npos ? rest.npos : rest.find(':', first + 1);
  if (second == rest.npos) bad_cell(id, "expected [nb101:]VERTICES:BITS:OPS");
  const std::string_view count = rest.substr(0, first);
  const std::string_view bits = rest.substr(first + 1, second - first - 1);
  const std::string_view ops = rest.substr(second + 1);

  Cell cell;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), cell.size);
  if (error != std::errc{} || end != count.data() + count.size() || cell.size < 2 ||
      cell.size > kMaxVertices) {
    bad_cell(id, "the number of vertices is '" + std::string(count) + "', expected 2 to 7");
  }
  const std::size_t pairs = cell.size * (cell.size - 1) / 2;
  if (bits.size() != pairs) {
    bad_cell(id, "has " + std::to_string(bits.size()) + " matrix bits, expected " +
                     std::to_string(pairs));
  }
  if (ops.size() != cell.size - 2) {
    bad_cell(id, "has " + std::to_string(ops.size()) + " operations, expected " +
                     std::to_string(cell.size - 2));
  }
  std::size_t bit = 0;
  int edges = 0;
  for (std::size_t i = 0; i < cell.size; ++i) {
    for (std::size_t j = i + 1; j < cell.size; ++j, ++bit) {
      if (bits[bit] != '0' && bits[bit] != '1') bad_cell(id, "matrix bits are 0 and 1 only");
      cell.edge[i][j] = bits[bit] == '1';
      edges += cell.edge[i][j] ? 1 : 0;
    }
  }
  if (edges > kMaxEdges) {
    bad_cell(id, "has " + std::to_string(edges) + " edges, expected at most 9");
  }
  for (std::size_t t = 0; t < ops.size(); ++t) {
    if (ops[t] != '3' && ops[t] != '1' && ops[t] != 'm') {
      bad_cell(id, "operation '" + std::string(1, ops[t]) + "', expected 3, 1 or m");
    }
    cell.op[t + 1] = ops[t];
  }
  return cell;
}

/// Without the vertices that lie on no path from input to output.
Cell prune(const Cell& cell, std::string_view id) {
  std::array<bool, kMaxVertices> forward{}, backward{};
  forward[0] = true;
  backward[cell.size - 1] = true;
  for (std::size_t i = 0; i < cell.size; ++i) {
    for (std::size_t j = i + 1; j < cell.size; ++j) forward[j] |= forward[i] && cell.edge[i][j];
  }
  for (std::size_t i = cell.size; i-- > 0;) {
    for (std::size_t j = i + 1; j < cell.size; ++j) backward[i] |= backward[j] && cell.edge[i][j];
  }
  if (!backward[0]) bad_cell(id, "has no path from input to output");
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < cell.size; ++i) {
    if (forward[i] && backward[i]) kept.push_back(i);
  }
  Cell result;
  result.size = kept.size();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    result.op[i] = cell.op[kept[i]];
    for (std::size_t j = i + 1; j < kept.size(); ++j) {
      result.edge[i][j] = cell.edge[kept[i]][kept[j]];
    }
  }
  return result;
}

/// Channels of every vertex of a module that gives `out` channels.
std::array<std::int32_t, kMaxVertices> vertex_channels(const Cell& cell, std::int32_t out) {
  std::array<std::int32_t, kMaxVertices> channels{};
  const std::size_t last = cell.size - 1;
  channels[last] = out;
  std::int32_t sharing = 0;
  for (std::size_t t = 1; t < last; ++t) sharing += cell.edge[t][last] ? 1 : 0;
  std::int32_t remainder = sharing > 0 ? out % sharing : 0;
  for (std::size_t t = 1; t < last; ++t) {
    if (!cell.edge[t][last]) continue;
    channels[t] = out / sharing + (remainder > 0 ? 1 : 0);
    if (remainder > 0) --remainder;
  }
  for (std::size_t t = last; t-- > 1;) {
    if (cell.edge[t][last]) continue;
    for (std::size_t s = t + 1; s < last; ++s) {
      if (cell.edge[t][s]) channels[t] = std::max(channels[t], channels[s]);
    }
  }
  return channels;
}

ValueId conv_bn_relu(NetBuilder& net, ValueId x, std::int32_t kernel, std::int32_t channels,
                     std::int32_t in_channels = 0) {
  ConvOptions options;
  options.in_channels = in_channels;
  return net.relu(net.batch_norm(net.conv(x, kernel, channels, options), kEpsilon));
}

ValueId build_vertex(NetBuilder& net, char op, const std::vector<ValueId>& operands,
                     std::int32_t channels) {
  bool wider = false;
  for (const ValueId x : operands) wider |= net.channels(x) > channels;
  std::int32_t limit = wider ? channels : 0;
  ValueId x = operands[0];
  if (operands.size() > 1) {
    x = net.add(operands, limit);
    limit = 0;
  }
  if (op == 'm') return net.pool(OpKind::kMaxPool, x, 3, 1, limit);
  return conv_bn_relu(net, x, op == '3' ? 3 : 1, channels, limit);
}

ValueId build_module(NetBuilder& net, const Cell& cell, ValueId input, std::int32_t out) {
  const std::array<std::int32_t, kMaxVertices> channels = vertex_channels(cell, out);
  const std::size_t last = cell.size - 1;
  std::array<ValueId, kMaxVertices> value{};
  std::vector<ValueId> operands, outputs;
  for (std::size_t t = 1; t < last; ++t) {
    operands.clear();
    for (std::size_t p = 1; p < t; ++p) {
      if (cell.edge[p][t]) operands.push_back(value[p]);
    }
    if (cell.edge[0][t]) operands.push_back(conv_bn_relu(net, input, 1, channels[t]));
    value[t] = build_vertex(net, cell.op[t], operands, channels[t]);
    if (cell.edge[t][last]) outputs.push_back(value[t]);
  }
  if (outputs.empty()) return conv_bn_relu(net, input, 1, out);
  const ValueId joined = outputs.size() == 1 ? outputs[0] : net.concat(outputs);
  if (!cell.edge[0][last]) return joined;
  return net.add(joined, conv_bn_relu(net, input, 1, out));
}

}  // namespace

std::string nasbench101_id(const std::vector<std::vector<int>>& adjacency,
                           const std::vector<std::string>& ops) {
  const std::size_t size = ops.size();
  AUTOGO_REQUIRE(size >= 2 && size <= kMaxVertices, ErrorKind::kInput,
                 "\"ops\" has " + std::to_string(size) + " entries, expected 2 to 7");
  AUTOGO_REQUIRE(ops.front() == "input" && ops.back() == "output", ErrorKind::kInput,
                 "\"ops\" must begin with input and end with output");
  AUTOGO_REQUIRE(adjacency.size() == size, ErrorKind::kInput,
                 "\"adjacency\" has " + std::to_string(adjacency.size()) + " rows, expected " +
                     std::to_string(size));
  std::string bits, letters;
  for (std::size_t i = 0; i < size; ++i) {
    AUTOGO_REQUIRE(adjacency[i].size() == size, ErrorKind::kInput,
                   "\"adjacency\" row " + std::to_string(i) + " has " +
                       std::to_string(adjacency[i].size()) + " columns, expected " +
                       std::to_string(size));
    for (std::size_t j = 0; j < size; ++j) {
      const int edge = adjacency[i][j];
      AUTOGO_REQUIRE(edge == 0 || (edge == 1 && j > i), ErrorKind::kInput,
                     "\"adjacency\"[" + std::to_string(i) + "][" + std::to_string(j) + "] is " +
                         std::to_string(edge) + ", expected 0, or 1 above the diagonal");
      if (j > i) bits += edge == 1 ? '1' : '0';
    }
  }
  for (std::size_t t = 1; t + 1 < size; ++t) {
    const char letter = ops[t] == "conv3x3-bn-relu"   ? '3'
                        : ops[t] == "conv1x1-bn-relu" ? '1'
                        : ops[t] == "maxpool3x3"      ? 'm'
                                                      : '\0';
    AUTOGO_REQUIRE(letter != '\0', ErrorKind::kInput,
                   "unknown operation '" + ops[t].substr(0, 40) +
                       "', expected conv3x3-bn-relu, conv1x1-bn-relu or maxpool3x3");
    letters += letter;
  }
  return std::string(kNasbench101Prefix) + std::to_string(size) + ":" + bits + ":" + letters;
}

void check_nasbench101_cell(const std::string& id) { prune(parse_cell(id), id); }

Graph nasbench101_graph(const std::string& id) {
  const Cell cell = prune(parse_cell(id), id);
  NetBuilder net;
  std::int32_t channels = 128;
  ValueId x = conv_bn_relu(net, net.input(3, 32, 32), 3, channels);
  for (int stack = 0; stack < 3; ++stack) {
    if (stack > 0) {
      x = net.pool(OpKind::kMaxPool, x, 2, 2);
      channels *= 2;
    }
    for (int module = 0; module < 3; ++module) x = build_module(net, cell, x, channels);
  }
  net.output(net.dense(net.global_mean(x), 10));
  return net.take();
}

}  // namespace autogo
