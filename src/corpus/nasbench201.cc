// Graphs of NAS-Bench-201 cells (Dong and Yang, 2020).
//
// A network is a stem, three stages of five equal cells, a reduction between stages, and a head. A
// cell has four points n0...n3 and one operation on each of the six edges between them:
// n1 = o0(n0), n2 = o1(n0) + o2(n1), n3 = (o5(n2) + o4(n1)) + o3(n0).
//
// `none` gives zeros, and zeros are worth nothing in a computation graph: they are pruned. The edge
// gives nothing; a sum takes what is left, and is no node when that is one value; an operation
// without an input gives nothing; an operation that does not reach the output goes. When nothing
// reaches the output the cell is disconnected, which is an error here and a skipped row in a table.
// `skip_connect` stays as an identity node, so that parallel skips remain two edges.
//
// Tested by tests/corpus/nasbench201_test.cc: the table's FLOPs and parameters of every row.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "builder.h"
#include "nasbench.h"

namespace autogo {
namespace {

constexpr float kEpsilon = 1e-3F;
constexpr std::size_t kEdges = 6;
constexpr std::array<int, kEdges> kFrom{0, 0, 1, 0, 1, 2};
constexpr std::array<int, kEdges> kTo{1, 2, 2, 3, 3, 3};

[[noreturn]] void bad_cell(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::kInput, "NAS-Bench-201 cell '" + std::string(text) + "': " + why);
}

struct OpName {
  char letter;
  std::string_view name;
};
constexpr OpName kOpNames[] = {{'3', "nor_conv_3x3"},
                               {'1', "nor_conv_1x1"},
                               {'a', "avg_pool_3x3"},
                               {'s', "skip_connect"},
                               {'n', "none"}};

/// "|o0~0|+|o1~0|o2~1|+|o3~0|o4~1|o5~2|" to six letters.
std::string parse_architecture(std::string_view text) {
  constexpr std::array<std::string_view, kEdges> kBefore{"|", "|+|", "|", "|+|", "|", "|"};
  std::string code;
  std::string_view rest = text;
  for (std::size_t e = 0; e < kEdges; ++e) {
    if (!rest.starts_with(kBefore[e])) {
      bad_cell(text, "expected |o0~0|+|o1~0|o2~1|+|o3~0|o4~1|o5~2|");
    }
    rest.remove_prefix(kBefore[e].size());
    const std::string_view op = rest.substr(0, rest.find('~'));
    for (const OpName& known : kOpNames) {
      if (known.name == op) code += known.letter;
    }
    if (code.size() != e + 1) {
      bad_cell(text, "unknown operation '" + std::string(op.substr(0, 40)) +
                         "', expected one of nor_conv_3x3, nor_conv_1x1, avg_pool_3x3, "
                         "skip_connect, none");
    }
    rest.remove_prefix(op.size());
    const std::string tail = "~" + std::to_string(kFrom[e]);
    if (!rest.starts_with(tail)) {
      bad_cell(text, "expected |o0~0|+|o1~0|o2~1|+|o3~0|o4~1|o5~2|");
    }
    rest.remove_prefix(tail.size());
  }
  if (rest != "|") bad_cell(text, "expected |o0~0|+|o1~0|o2~1|+|o3~0|o4~1|o5~2|");
  return code;
}

/// Which operations of a cell live: their input exists and their result reaches the output.
std::array<bool, kEdges> live_edges(std::string_view code) {
  std::array<bool, 4> fed{true, false, false, false}, used{false, false, false, true};
  for (std::size_t e = 0; e < kEdges; ++e) {
    if (code[e] != 'n' && fed[kFrom[e]]) fed[kTo[e]] = true;
  }
  for (std::size_t e = kEdges; e-- > 0;) {
    if (code[e] != 'n' && used[kTo[e]]) used[kFrom[e]] = true;
  }
  std::array<bool, kEdges> live{};
  for (std::size_t e = 0; e < kEdges; ++e) {
    live[e] = code[e] != 'n' && fed[kFrom[e]] && used[kTo[e]];
  }
  return live;
}

ValueId build_op(NetBuilder& net, char op, ValueId x, std::int32_t channels) {
  switch (op) {
    case '3':
    case '1':
      return net.batch_norm(net.conv(net.relu(x), op == '3' ? 3 : 1, channels), kEpsilon);
    case 'a':
      return net.batch_norm(net.pool(OpKind::kAvgPool, x, 3, 1), kEpsilon);
    default:
      return net.simple(OpKind::kIdentity, x);
  }
}

using Maybe = std::optional<ValueId>;

Maybe sum(NetBuilder& net, Maybe a, Maybe b) {
  if (a && b) return net.add(*a, *b);
  return a ? a : b;
}

ValueId build_cell(NetBuilder& net, std::string_view code, const std::array<bool, kEdges>& live,
                   ValueId n0, std::int32_t channels) {
  std::array<Maybe, kEdges> o;
  auto apply = [&](std::size_t e, Maybe x) {
    if (live[e]) o[e] = build_op(net, code[e], *x, channels);
  };
  apply(0, n0);
  apply(1, n0);
  apply(2, o[0]);
  apply(3, n0);
  apply(4, o[0]);
  const Maybe n2 = sum(net, o[1], o[2]);
  apply(5, n2);
  const Maybe out = sum(net, sum(net, o[5], o[4]), o[3]);
  AUTOGO_CHECK(out.has_value());
  return *out;
}

ValueId build_reduction(NetBuilder& net, ValueId x, std::int32_t channels) {
  ConvOptions strided;
  strided.stride = 2;
  ValueId main = net.relu(net.conv(x, 3, channels));
  main = net.conv(main, 3, 2 * channels, strided);
  const ValueId side = net.conv(net.pool(OpKind::kAvgPool, x, 3, 2), 1, 2 * channels);
  return net.relu(net.add(main, side));
}

}  // namespace

std::string nasbench201_code(std::string_view text) {
  if (text.starts_with('|')) return parse_architecture(text);
  std::string_view code = text;
  if (code.starts_with(kNasbench201Prefix)) code.remove_prefix(kNasbench201Prefix.size());
  if (code.size() != kEdges || code.find_first_not_of("31asn") != code.npos) {
    bad_cell(text, "expected six letters of 3, 1, a, s, n or the benchmark's architecture string");
  }
  return std::string(code);
}

bool nasbench201_connected(std::string_view code) {
  const std::array<bool, kEdges> live = live_edges(code);
  return live[3] || live[4] || live[5];
}

Graph nasbench201_graph(const std::string& id) {
  const std::string code = nasbench201_code(id);
  if (!nasbench201_connected(code)) bad_cell(id, "has no path from input to output");
  const std::array<bool, kEdges> live = live_edges(code);
  NetBuilder net;
  std::int32_t channels = 16;
  ValueId x = net.batch_norm(net.conv(net.input(3, 32, 32), 3, channels), kEpsilon);
  for (int stage = 0; stage < 3; ++stage) {
    if (stage > 0) {
      x = build_reduction(net, x, channels);
      channels *= 2;
    }
    for (int cell = 0; cell < 5; ++cell) x = build_cell(net, code, live, x, channels);
  }
  net.output(net.dense(net.simple(OpKind::kIdentity, net.global_mean(x)), 10));
  return net.take();
}

}  // namespace autogo
