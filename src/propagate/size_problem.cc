// Heights and widths as a finite constraint problem.
//
// Height and width do not couple, and neither couples with channels, so each is a problem of its
// own over one number per value. Element-wise operators, adds and concats along another dimension
// force values to be equal: those merge into classes (union-find). What is left are the nodes that
// change a size: windows, transposed convolutions, resizes, depth-to-space, global pooling, and the
// concats along this dimension, whose sizes add. From an input size each of the others reaches at
// most four output sizes, one a stride, by the operator's real arithmetic: padding, dilation, ceil
// mode, odd sizes. One walk in topological order from the input ports therefore gives every class a
// small domain that holds all reachable sizes (of a concat: all sums), and every node the list of
// its possible transitions. Tables of transitions and sums are all that the solvers see; they know
// no convolutions, and no rule can be stated twice and differently.
//
// The walk finds most contradictions itself, and can name them: an add of sizes that never meet, a
// window that fits nowhere, a demanded size outside the reachable ones.
//
// A stride is chosen from {1, 2, 4} up to max_stride and the segment's own. A pooling window may
// not leave gaps (stride <= kernel) unless the segment's own does. A transposed convolution needs
// output_padding < max(stride, dilation), as its exporters and runtimes do.
//
// Tested by tests/propagate/oracle_test.cc and tests/propagate/propagate_test.cc.

#include <algorithm>
#include <cmath>

#include "autogo/base/error.h"
#include "autogo/graph/window.h"
#include "problem.h"
#include "text.h"

namespace autogo {
namespace {

using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t kMaxSize = 1LL
                                  << 31;  // beyond it a map is none, and products would overflow

bool has_stride(OpKind op) { return op_info(op).windowed || op == OpKind::kResize; }

bool changes_size(OpKind op) {
  using enum OpKind;
  return has_stride(op) || op == kGlobalAvgPool || op == kGlobalMaxPool || op == kDepthToSpace;
}

std::int64_t transposed_size(std::int64_t input, const Attrs& a, int dim) {
  const auto d = static_cast<std::size_t>(dim);
  if (a.output_padding[d] >= std::max(a.stride[d], a.dilation[d]) && a.output_padding[d] > 0) {
    return 0;
  }
  return window_axis(a, dim).spread(input);
}

/// Output size by the operator's arithmetic; <= 0 when there is none.
std::int64_t output_size(OpKind op, const Attrs& a, std::int64_t input, int dim) {
  if (slides_window(op)) return window_output_size(input, a, dim);
  switch (op) {
    case OpKind::kConvTranspose:
      return transposed_size(input, a, dim);
    case OpKind::kResize:
      return input * a.stride[static_cast<std::size_t>(dim)];
    case OpKind::kDepthToSpace:
      return input * a.block;
    default:
      return 1;  // global pooling
  }
}

struct Stride {
  std::int32_t value;
  bool changed;
  std::int64_t cost;
};

/// The segment's own stride first, then 1, 2, 4.
std::vector<Stride> stride_choices(const Node& node, const PropagateOptions& options, int dim) {
  const auto d = static_cast<std::size_t>(dim);
  const std::int32_t own = node.attrs.stride[d];
  std::vector<Stride> choices{{own, false, 0}};
  const bool pool = node.op == OpKind::kMaxPool || node.op == OpKind::kAvgPool;
  for (const std::int32_t s : {1, 2, 4}) {
    if (s == own || s > options.max_stride || (pool && s > node.attrs.kernel[d])) continue;
    const double change = std::abs(std::log2(s) - std::log2(own));
    choices.push_back({s, true, std::llround(change * static_cast<double>(kCostUnit))});
  }
  return choices;
}

/// Of two transitions between the same sizes the cheaper is kept, the earlier when they tie.
void add_transition(std::vector<Transition>& list, const Transition& t) {
  for (Transition& have : list) {
    if (have.in != t.in || have.out != t.out) continue;
    if (t.cost < have.cost) have = t;
    return;
  }
  list.push_back(t);
}

std::vector<Transition> transitions_from(const Node& node, const Sizes& inputs,
                                         const PropagateOptions& options, int dim) {
  std::vector<Transition> list;
  if (!has_stride(node.op)) {
    for (const std::int64_t in : inputs) {
      const std::int64_t out = output_size(node.op, node.attrs, in, dim);
      if (out <= kMaxSize) list.push_back({in, out, 0, false, 0});
    }
    return list;
  }
  Attrs attrs = node.attrs;
  for (const Stride& s : stride_choices(node, options, dim)) {
    attrs.stride[static_cast<std::size_t>(dim)] = s.value;
    for (const std::int64_t in : inputs) {
      const std::int64_t out = output_size(node.op, attrs, in, dim);
      if (out < 1 || out > kMaxSize) continue;
      add_transition(list, {in, out, s.value, s.changed, s.cost});
    }
  }
  return list;
}

void sort_unique(Sizes& sizes) {
  std::ranges::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
}

/// Every a + coefficient * b.
Sizes all_sums(const Sizes& a, const Sizes& b, std::int64_t coefficient) {
  Sizes sums;
  sums.reserve(a.size() * b.size());
  for (const std::int64_t x : a) {
    for (const std::int64_t y : b) {
      if (x + coefficient * y <= kMaxSize) sums.push_back(x + coefficient * y);
    }
  }
  sort_unique(sums);
  return sums;
}

class SizeBuilder {
 public:
  SizeBuilder(const Graph& body, const PortMaps& ports, const PropagateOptions& options, int dim)
      : body_(body),
        ports_(ports),
        options_(options),
        dim_(dim),
        name_(dim == 0 ? "height" : "width") {
    problem_.class_of.assign(body.num_values(), -1);
  }

  SizeProblem build() {
    std::size_t port = 0;
    for (std::uint32_t i = 0; i < body_.num_nodes() && ok(); ++i) {
      const NodeId id{i};
      const Node& node = body_.node(id);
      if (node.op == OpKind::kInput) {
        set_class(body_.output(id), new_class({size(ports_.inputs[port++])}));
      } else if (node.op != OpKind::kOutput) {
        visit(id, node);
      }
    }
    if (ok()) demand_outputs();
    if (ok()) renumber();
    return std::move(problem_);
  }

 private:
  bool ok() const { return problem_.reason.empty(); }
  std::int64_t size(const FeatureMap& map) const { return dim_ == 0 ? map.h : map.w; }

  int new_class(Sizes domain) {
    problem_.domains.push_back(std::move(domain));
    parent_.push_back(static_cast<int>(parent_.size()));
    return parent_.back();
  }
  int find(int c) const {
    while (parent_[static_cast<std::size_t>(c)] != c) c = parent_[static_cast<std::size_t>(c)];
    return c;
  }
  Sizes& domain(int c) { return problem_.domains[static_cast<std::size_t>(c)]; }
  int class_of(ValueId v) const { return find(problem_.class_of[index(v)]); }
  void set_class(ValueId v, int c) { problem_.class_of[index(v)] = c; }

  void visit(NodeId id, const Node& node) {
    const int first = class_of(body_.inputs(id)[0]);
    if (changes_size(node.op)) {
      SizeNode entry{id, first, 0, transitions_from(node, domain(first), options_, dim_)};
      Sizes reached;
      for (const Transition& t : entry.transitions) reached.push_back(t.out);
      sort_unique(reached);
      if (reached.empty()) {
        problem_.reason = std::string(name_) + ": " + op_name(node.op) + " does not fit " +
                          sizes_text(domain(first));
        return;
      }
      entry.out = new_class(std::move(reached));
      set_class(body_.output(id), entry.out);
      problem_.nodes.push_back(std::move(entry));
      return;
    }
    if (concat_dim(body_, id) == (dim_ == 0 ? MapDim::kH : MapDim::kW)) return concat(id);
    for (const ValueId v : body_.inputs(id).subspan(1)) {
      if (!merge(class_of(body_.inputs(id)[0]), class_of(v), node)) return;
    }
    set_class(body_.output(id), find(first));
  }

  void concat(NodeId id) {
    SumRelation sum;
    sum.op = op_name(OpKind::kConcat);
    for (const ValueId v : body_.inputs(id)) add_to_sum(sum.ins, class_of(v), 1);
    Sizes reached{0};
    for (const auto& [c, coefficient] : sum.ins) {
      reached = all_sums(reached, domain(c), coefficient);
    }
    if (reached.empty()) {
      problem_.reason = std::string(name_) + ": concat gives more than " + std::to_string(kMaxSize);
      return;
    }
    sum.out = new_class(std::move(reached));
    set_class(body_.output(id), sum.out);
    problem_.sums.push_back(std::move(sum));
  }

  bool merge(int a, int b, const Node& join) {
    if (a == b) return true;
    Sizes common;
    std::ranges::set_intersection(domain(a), domain(b), std::back_inserter(common));
    if (common.empty()) {
      problem_.reason = std::string(name_) + ": " + op_name(join.op) + " joins " +
                        sizes_text(domain(a)) + " and " + sizes_text(domain(b));
      return false;
    }
    const int root = std::min(a, b);
    domain(root) = std::move(common);
    parent_[static_cast<std::size_t>(std::max(a, b))] = root;
    return true;
  }

  void demand_outputs() {
    std::vector<std::pair<int, std::int64_t>> demands;  // class, size; by output port
    for (std::uint32_t i = 0; i < body_.num_nodes(); ++i) {
      if (body_.node(NodeId{i}).op != OpKind::kOutput) continue;
      const ValueId value = body_.inputs(NodeId{i})[0];
      const std::size_t port = demands.size();
      const std::int64_t demanded = size(ports_.outputs[port]);
      const int c = class_of(value);
      if (!std::ranges::binary_search(domain(c), demanded)) {
        problem_.reason = "output port " + std::to_string(port) + ": " + name_ + " " +
                          std::to_string(demanded) + " cannot be reached from " +
                          sources_text(value) + " (reachable: " + sizes_text(domain(c)) + ")";
        return;
      }
      demands.emplace_back(c, demanded);
    }
    for (std::size_t j = 0; j < demands.size(); ++j) {
      for (std::size_t i = 0; i < j; ++i) {
        if (demands[i].first != demands[j].first || demands[i].second == demands[j].second)
          continue;
        problem_.reason = "output ports " + std::to_string(i) + " and " + std::to_string(j) + ": " +
                          name_ + "s " + std::to_string(demands[i].second) + " and " +
                          std::to_string(demands[j].second) + " must be equal";
        return;
      }
      domain(demands[j].first) = {demands[j].second};
    }
  }

  /// "56 at input port 0 and 28 at input port 1": the ports that the value depends on.
  std::string sources_text(ValueId value) const {
    std::string text;
    const std::vector<std::size_t> ports = source_ports(body_, value);
    for (const std::size_t port : ports) {
      if (!text.empty()) text += " and ";
      text += std::to_string(size(ports_.inputs[port])) + " at input port " + std::to_string(port);
    }
    return text;
  }

  /// Leaves only the roots, numbered from 0.
  void renumber() {
    std::vector<int> number(parent_.size(), -1);
    std::vector<Sizes> domains;
    for (std::size_t c = 0; c < parent_.size(); ++c) {
      if (parent_[c] != static_cast<int>(c)) continue;
      number[c] = static_cast<int>(domains.size());
      domains.push_back(std::move(problem_.domains[c]));
    }
    auto renamed = [&](int c) { return number[static_cast<std::size_t>(find(c))]; };
    for (int& c : problem_.class_of) c = renamed(c);
    for (SizeNode& node : problem_.nodes) {
      node.in = renamed(node.in);
      node.out = renamed(node.out);
    }
    for (SumRelation& sum : problem_.sums) {
      sum.out = renamed(sum.out);
      std::vector<SumRelation::Term> ins;
      for (const auto& [c, coefficient] : sum.ins) add_to_sum(ins, renamed(c), coefficient);
      sum.ins = std::move(ins);
    }
    problem_.domains = std::move(domains);
  }

  const Graph& body_;
  const PortMaps& ports_;
  const PropagateOptions& options_;
  const int dim_;
  const char* const name_;
  std::vector<int> parent_;  // union-find over classes
  SizeProblem problem_;
};

}  // namespace

SizeProblem build_size_problem(const Graph& body, const PortMaps& ports,
                               const PropagateOptions& options, int dim) {
  return SizeBuilder(body, ports, options, dim).build();
}

}  // namespace autogo
