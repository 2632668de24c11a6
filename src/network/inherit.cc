// A child of the search shares most nodes with its parent, and their weights are good. What the
// mutation replaced is made of new nodes; some of them do what a lost node did, with more or fewer
// channels. This finds those and cuts or stretches the old weights to fit.
//
// Matching. Nodes that share an origin are the same. The rest of the parent (lost) and of the child
// (new) are two sequences in topological order; a longest common subsequence over what a node is
// (operator, kernel, stride, grouping) pairs them without crossings. A pair of equal width counts
// more than one of another width.
//
// Channels. Channel j of a new value stands for channel j mod P of the old one, P being the old
// width: the identity where they agree, the first channels where the child is narrower, channels
// repeated from the start where it is wider. A weight of the child at (output o, input i) is the
// parent's at (map(o), map(i)), divided by how many of the child's inputs stand for the same one of
// the parent's: then a widened value, read through divided weights, computes the same sums.
// Normalisations and biases follow the channels of their own value, elementwise operators pass the
// map on, and a value that an addition or concatenation made follows its own width only, which is
// where exactness ends.
//
// Untouched readers of a widened value: types at the border of a mutation agree, so they never see
// one.
//
// Tested by tests/network/inherit_test.cc: widening keeps the function.

#include "autogo/network/inherit.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "autogo/base/error.h"

namespace autogo {
namespace {

/// A weight as its reader sees it: which axis is outputs, which inputs; -1: none.
struct Part {
  std::size_t constant = 0;  ///< index into Program::constants
  int out_axis = 0, in_axis = -1;
};

/// The parts of a node's weights in the order of its operators. Empty when one of them is read in
/// a way that is not known here.
std::vector<Part> parts_of(const Program& program, const std::vector<std::size_t>& nodes) {
  std::vector<Part> parts;
  for (const std::size_t n : nodes) {
    const ProgramNode& node = program.nodes[n];
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      if (node.inputs[slot] < 0) continue;
      const int c = program.values[static_cast<std::size_t>(node.inputs[slot])].constant;
      if (c < 0) continue;
      const ProgramConstant& constant = program.constants[static_cast<std::size_t>(c)];
      if (constant.role == ConstantRole::kFixed) continue;
      const int rank = static_cast<int>(constant.tensor.dims.size());
      Part part{static_cast<std::size_t>(c), 0, -1};
      if (node.op_type == "Conv" && slot == 1) {
        part.in_axis = node.integer("group", 1) == 1 ? 1 : -1;
      } else if (node.op_type == "ConvTranspose" && slot == 1) {
        if (node.integer("group", 1) != 1) return {};
        part.out_axis = 1;
        part.in_axis = 0;
      } else if (node.op_type == "Gemm" && slot == 1) {
        const bool flipped = node.integer("transB", 0) != 0;
        part.out_axis = flipped ? 0 : 1;
        part.in_axis = flipped ? 1 : 0;
      } else if (node.op_type == "MatMul" && slot == 1 && rank == 2) {
        part.out_axis = 1;
        part.in_axis = 0;
      } else if (node.op_type == "Add" || node.op_type == "Mul") {
        const auto& dims = constant.tensor.dims;
        part.out_axis = rank - 1;  // the axis that its numbers lie along
        while (part.out_axis > 0 && dims[static_cast<std::size_t>(part.out_axis)] == 1) {
          --part.out_axis;
        }
      } else if (node.op_type == "MatMul" || node.op_type == "Einsum" || node.op_type == "Gather" ||
                 rank == 0) {
        return {};
      }
      parts.push_back(part);
    }
  }
  return parts;
}

/// A network's nodes with their operators and weights.
struct Side {
  const Graph& graph;
  const Program& program;
  std::vector<std::vector<std::size_t>> operators;  ///< by NodeId: program nodes

  Side(const Graph& g, const Program& p) : graph(g), program(p), operators(g.num_nodes()) {
    for (std::size_t i = 0; i < p.nodes.size(); ++i) {
      if (p.nodes[i].node != kNoNode) operators[index(p.nodes[i].node)].push_back(i);
    }
  }
  std::vector<Part> parts(NodeId id) const { return parts_of(program, operators[index(id)]); }
  const ProgramConstant& constant(const Part& part) const {
    return program.constants[part.constant];
  }
  const std::string& name(const ProgramConstant& c) const {
    return program.values[static_cast<std::size_t>(c.value)].name;
  }
};

/// How alike two nodes are: 0 not at all, 2 of the same widths.
int likeness(const Side& parent, NodeId p, const Side& child, NodeId c) {
  const Node &a = parent.graph.node(p), &b = child.graph.node(c);
  if (a.op != b.op || a.attrs.kernel != b.attrs.kernel) return 0;
  // The projections of an attention have channels of their own, not those of its values.
  if (a.op == OpKind::kAttention) return 0;
  const std::vector<Part> from = parent.parts(p), to = child.parts(c);
  if (from.empty() || from.size() != to.size()) return 0;
  bool same = true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if ((from[i].in_axis < 0) != (to[i].in_axis < 0)) return 0;
    same = same &&
           parent.constant(from[i]).tensor.elements() == child.constant(to[i]).tensor.elements();
  }
  const bool depthwise = a.op == OpKind::kDepthwiseConv;
  if (!depthwise && a.attrs.group != b.attrs.group) return 0;
  return same ? 2 : 1;
}

using Pairs = std::vector<std::pair<NodeId, NodeId>>;

/// The heaviest common subsequence.
Pairs align(const Side& parent, const std::vector<NodeId>& lost, const Side& child,
            const std::vector<NodeId>& fresh) {
  const std::size_t n = lost.size(), m = fresh.size();
  std::vector<int> best((n + 1) * (m + 1), 0), gain(n * m, 0);
  auto best_at = [&](std::size_t i, std::size_t j) -> int& { return best[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      const int g = likeness(parent, lost[i], child, fresh[j]);
      gain[i * m + j] = g;
      const int without = std::max(best_at(i + 1, j), best_at(i, j + 1));
      best_at(i, j) = g > 0 ? std::max(without, best_at(i + 1, j + 1) + g) : without;
    }
  }
  Pairs pairs;
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    const int g = gain[i * m + j];
    if (g > 0 && best_at(i, j) == best_at(i + 1, j + 1) + g) {
      pairs.emplace_back(lost[i++], fresh[j++]);
    } else if (best_at(i, j) == best_at(i + 1, j)) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

/// The parent's tensor in the child's shape.
std::vector<float> adapted(const ProgramTensor& from, const Part& source,
                           const std::vector<std::int64_t>& dims, const Part& target) {
  const std::vector<double> values = real_values(from);
  const std::size_t rank = dims.size();
  std::vector<std::int64_t> strides(rank, 1);
  for (std::size_t d = rank - 1; d-- > 0;) strides[d] = strides[d + 1] * from.dims[d + 1];
  auto axis_of = [&](std::size_t d) {  // the parent's axis with the same meaning
    const auto signed_d = static_cast<int>(d);
    if (signed_d == target.out_axis) return static_cast<std::size_t>(source.out_axis);
    if (signed_d == target.in_axis) return static_cast<std::size_t>(source.in_axis);
    return d;
  };
  std::int64_t elements = 1;
  for (const std::int64_t d : dims) elements *= d;
  std::vector<float> result(static_cast<std::size_t>(elements));
  std::vector<std::int64_t> at(rank, 0);
  for (float& value : result) {
    std::int64_t offset = 0;
    double copies = 1;
    for (std::size_t d = 0; d < rank; ++d) {
      const std::size_t axis = axis_of(d);
      const std::int64_t wide = dims[d], narrow = from.dims[axis];
      const std::int64_t i = at[d] % narrow;
      offset += i * strides[axis];
      if (static_cast<int>(d) == target.in_axis) {
        copies = static_cast<double>((wide - i + narrow - 1) / narrow);
      }
    }
    value = static_cast<float>(values[static_cast<std::size_t>(offset)] / copies);
    for (std::size_t d = rank; d-- > 0;) {
      if (++at[d] < dims[d]) break;
      at[d] = 0;
    }
  }
  return result;
}

bool fits(const ProgramTensor& from, const Part& source, const ProgramTensor& to,
          const Part& target) {
  if (from.dims.size() != to.dims.size() || from.elements() == 0) return false;
  for (std::size_t d = 0; d < to.dims.size(); ++d) {
    const auto signed_d = static_cast<int>(d);
    if (signed_d == target.out_axis || signed_d == target.in_axis) continue;
    if (signed_d == source.out_axis || signed_d == source.in_axis) continue;
    if (from.dims[d] != to.dims[d]) return false;  // another kernel
  }
  return true;
}

class Inheritor {
 public:
  Inheritor(const Side& parent, const Side& child,
            const std::map<std::string, ProgramTensor>& trained)
      : parent_(parent), child_(child), trained_(trained) {}

  InheritedWeights run() {
    std::map<std::uint32_t, NodeId> by_origin;
    for (std::uint32_t i = 0; i < parent_.graph.num_nodes(); ++i) {
      const std::uint32_t origin = parent_.graph.node(NodeId{i}).origin;
      if (origin != kNoOrigin) by_origin.emplace(origin, NodeId{i});
    }
    const bool related = parent_.graph.source() == child_.graph.source();
    std::set<NodeId> kept;
    std::vector<NodeId> lost, fresh;
    for (std::uint32_t i = 0; i < child_.graph.num_nodes(); ++i) {
      const std::uint32_t origin = child_.graph.node(NodeId{i}).origin;
      const auto same = by_origin.find(origin);
      if (related && origin != kNoOrigin && same != by_origin.end()) {
        kept.insert(same->second);
      } else {
        fresh.push_back(NodeId{i});
      }
    }
    for (std::uint32_t i = 0; i < parent_.graph.num_nodes(); ++i) {
      if (!kept.contains(NodeId{i})) lost.push_back(NodeId{i});
    }
    if (related) keep_by_name();
    for (const auto& [p, c] : align(parent_, lost, child_, fresh)) take_over(p, c);
    return report();
  }

 private:
  const ProgramTensor& value_of(const Side& side, const ProgramConstant& constant) const {
    const auto it = trained_.find(side.name(constant));
    return it == trained_.end() ? constant.tensor : it->second;
  }

  /// Constants that come from the file are the same ones in both networks.
  void keep_by_name() {
    std::map<std::string, const ProgramConstant*> known;
    for (const ProgramConstant& c : parent_.program.constants) known[parent_.name(c)] = &c;
    for (const ProgramConstant& c : child_.program.constants) {
      const auto it = known.find(child_.name(c));
      if (c.role == ConstantRole::kFixed || it == known.end() || c.node == kNoNode) continue;
      const bool imported = child_.graph.node(c.node).origin != kNoOrigin;
      if (!imported || it->second->tensor.dims != c.tensor.dims) continue;
      set(c, *it->second, Inheritance::kKept, value_of(parent_, *it->second));
    }
  }

  void take_over(NodeId p, NodeId c) {
    const std::vector<Part> from = parent_.parts(p), to = child_.parts(c);
    for (std::size_t i = 0; i < to.size(); ++i) {
      const ProgramConstant &source = parent_.constant(from[i]), &target = child_.constant(to[i]);
      const ProgramTensor& old = value_of(parent_, source);
      if (!fits(old, from[i], target.tensor, to[i])) continue;
      const std::int64_t before = old.elements(), after = target.tensor.elements();
      const bool same_shape = old.dims == target.tensor.dims && from[i].out_axis == to[i].out_axis;
      if (same_shape) {
        set(target, source, Inheritance::kCopied, old);
        continue;
      }
      const ProgramTensor adjusted =
          make_tensor(target.tensor.dims, adapted(old, from[i], target.tensor.dims, to[i]));
      set(target, source,
          before == after  ? Inheritance::kCopied
          : before > after ? Inheritance::kSliced
                           : Inheritance::kWidened,
          adjusted);
    }
  }

  void set(const ProgramConstant& target, const ProgramConstant& source, Inheritance kind,
           ProgramTensor value) {
    const std::string& name = child_.name(target);
    if (!result_.weights.emplace(name, std::move(value)).second) return;
    taken_[name] = {name, parent_.name(source), kind, target.tensor.elements()};
  }

  InheritedWeights report() {
    for (const ProgramConstant& c : child_.program.constants) {
      if (c.role == ConstantRole::kFixed) continue;
      const std::string& name = child_.name(c);
      const auto it = taken_.find(name);
      if (it != taken_.end()) {
        result_.report.push_back(it->second);
      } else {
        result_.report.push_back({name, "", Inheritance::kFresh, c.tensor.elements()});
      }
    }
    return std::move(result_);
  }

  const Side& parent_;
  const Side& child_;
  const std::map<std::string, ProgramTensor>& trained_;
  InheritedWeights result_;
  std::map<std::string, InheritedWeight> taken_;
};

}  // namespace

const char* inheritance_name(Inheritance kind) {
  switch (kind) {
    case Inheritance::kKept:
      return "kept";
    case Inheritance::kCopied:
      return "copied";
    case Inheritance::kSliced:
      return "sliced";
    case Inheritance::kWidened:
      return "widened";
    default:
      return "fresh";
  }
}

double InheritedWeights::survived() const {
  double all = 0, kept = 0;
  for (const InheritedWeight& w : report) {
    all += static_cast<double>(w.elements);
    if (w.kind != Inheritance::kFresh) kept += static_cast<double>(w.elements);
  }
  return all > 0 ? kept / all : 0;
}

InheritedWeights inherit_weights(const Graph& parent, const Program& parent_program,
                                 const std::map<std::string, ProgramTensor>& trained,
                                 const Graph& child, const Program& child_program) {
  const Side from(parent, parent_program), to(child, child_program);
  return Inheritor(from, to, trained).run();
}

}  // namespace autogo
