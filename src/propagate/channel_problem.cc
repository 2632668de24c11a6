// Channels as a small integer program.
//
// Values whose channels must be equal (element-wise operators, joins, pooling, concats along height
// or width) form a class. A convolution, dense product or transposed convolution opens a class with
// a choice: any integer of [ref / f, ref f], a multiple of its group count, at a cost of
// |C - ref| / ref. Concats of channels, depthwise multipliers and depth-to-space tie classes
// together by linear equations. So the whole problem is: bounds and divisibility by class, a convex
// piecewise linear cost, a few sums.
//
// The reference. A segment was mined at some width and is placed at another, so its own channel
// counts say little; the ratios do. The reference runs forward from the actual input ports: an
// input port has its actual channels; a choosing node multiplies the reference of its input by its
// mined ratio out / in, rounded half up and to the nearest multiple of its group count, at least
// one group; joins take their first input's; concats of channels add; a depthwise convolution
// multiplies by its multiplier and depth-to-space divides by block^2, rounded down, at least 1. It
// ignores what the output ports demand and what earlier nodes will choose, so that it is fixed
// before solving and the objective stays linear.
//
// Ratios may multiply: three stems 3 -> 128 in a row on 512 channels ask for 40 million. A
// reference is at most 2^20 (rounded up to the groups), a chosen number of channels at most 65536:
// no real network is wider, and costs must not overflow.
//
// The weight of a term is round(65536 / ref), at least 1, an integer: all solvers then minimise
// the same sum exactly.
//
// Tested by tests/propagate/oracle_test.cc and tests/propagate/propagate_test.cc.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autogo/base/error.h"
#include "problem.h"
#include "text.h"

namespace autogo {
namespace {

constexpr long long kMaxChannels = 65536;    // of a node that chooses
constexpr std::int64_t kMaxRef = 1LL << 20;  // ratios of stems, 3 -> 64, may multiply
// Of what sums and multipliers give without choosing; beyond it a body is no network, and products
// of it would overflow.
constexpr std::int64_t kMaxSum = 1LL << 26;

class ChannelBuilder {
 public:
  ChannelBuilder(const Graph& body, const PortMaps& ports, const PropagateOptions& options)
      : body_(body), ports_(ports), options_(options), ref_(body.num_values(), 0) {
    problem_.class_of.assign(body.num_values(), -1);
  }

  ChannelProblem build() {
    std::size_t port = 0;
    for (std::uint32_t i = 0; i < body_.num_nodes() && ok(); ++i) {
      const NodeId id{i};
      const Node& node = body_.node(id);
      if (node.op == OpKind::kOutput) continue;
      if (node.op == OpKind::kInput) {
        const std::int64_t c = ports_.inputs[port++].c;
        define(id, new_class({c, c, 1}), std::min(kMaxSum, c));
      } else {
        visit(id, node);
      }
    }
    if (ok()) demand_outputs();
    if (ok()) renumber();
    return std::move(problem_);
  }

 private:
  bool ok() const { return problem_.reason.empty(); }
  void fail(const std::string& text) { problem_.reason = "channels: " + text; }

  int new_class(const ChannelClass& c) {
    problem_.classes.push_back(c);
    parent_.push_back(static_cast<int>(parent_.size()));
    return parent_.back();
  }
  int find(int c) const {
    while (parent_[static_cast<std::size_t>(c)] != c) c = parent_[static_cast<std::size_t>(c)];
    return c;
  }
  ChannelClass& at(int c) { return problem_.classes[static_cast<std::size_t>(c)]; }
  int class_of(ValueId v) const { return find(problem_.class_of[index(v)]); }
  std::int64_t mined(ValueId v) const { return feature_map(body_.type(v)).c; }

  void define(NodeId id, int c, std::int64_t ref) {
    problem_.class_of[index(body_.output(id))] = c;
    ref_[index(body_.output(id))] = ref;
  }

  void visit(NodeId id, const Node& node) {
    const std::span<const ValueId> inputs = body_.inputs(id);
    const int in = class_of(inputs[0]);
    const std::int64_t ref = ref_[index(inputs[0])];
    if (op_info(node.op).chooses_channels) {
      choose(id, node, in, ref);
    } else if (node.op == OpKind::kDepthwiseConv) {
      const std::int64_t own = mined(inputs[0]);
      if (mined(body_.output(id)) % own != 0) return fail("depthwise_conv without a multiplier");
      const std::int64_t multiplier = mined(body_.output(id)) / own;
      relate(id, 1, {{in, multiplier}}, ref * multiplier);
    } else if (node.op == OpKind::kDepthToSpace) {
      const std::int64_t area = std::int64_t{node.attrs.block} * node.attrs.block;
      if (require_step(in, area, node)) {
        relate(id, area, {{in, 1}}, std::max<std::int64_t>(1, ref / area));
      }
    } else if (concat_dim(body_, id) == MapDim::kC) {
      concat(id);
    } else {
      for (const ValueId v : inputs.subspan(1)) {
        if (!merge(class_of(inputs[0]), class_of(v), node)) return;
      }
      if (node.op == OpKind::kGroupNorm && !require_step(in, node.attrs.group, node)) return;
      define(id, find(in), ref);
    }
  }

  void choose(NodeId id, const Node& node, int in, std::int64_t ref_in) {
    const std::int64_t group = op_info(node.op).windowed ? std::max(1, node.attrs.group) : 1;
    if (!require_step(in, group, node)) return;
    const std::int64_t own_in = mined(body_.inputs(id)[0]);
    const std::int64_t own_out = mined(body_.output(id));
    std::int64_t ref = (2 * ref_in * own_out + own_in) / (2 * own_in);
    ref = std::clamp((2 * ref + group) / (2 * group) * group, group, round_up(kMaxRef, group));
    const double f = options_.max_channel_factor, r = static_cast<double>(ref);
    ChannelClass range;
    range.step = group;
    range.lo = round_up(std::max<std::int64_t>(1, std::llround(std::ceil(r / f - 1e-9))), group);
    range.hi = round_down(std::min(kMaxChannels, std::llround(std::floor(r * f + 1e-9))), group);
    if (range.lo > range.hi) {
      return fail(std::string(op_name(node.op)) + " has no multiple of " + std::to_string(group) +
                  " up to " + std::to_string(kMaxChannels) + " near its reference " +
                  std::to_string(ref));
    }
    const int out = new_class(range);
    problem_.terms.push_back(
        {id, out, ref, std::max<std::int64_t>(1, (kCostUnit + ref / 2) / ref)});
    define(id, out, ref);
  }

  void concat(NodeId id) {
    std::vector<SumRelation::Term> ins;
    std::int64_t ref = 0;
    for (const ValueId v : body_.inputs(id)) {
      ref += ref_[index(v)];
      add_to_sum(ins, class_of(v), 1);
    }
    relate(id, 1, std::move(ins), ref);
  }

  /// scale * out = sum of coefficient * in, with the bounds that follow.
  void relate(NodeId id, std::int64_t scale, std::vector<SumRelation::Term> ins, std::int64_t ref) {
    ChannelClass range{0, 0, 0};
    for (const auto& [c, coefficient] : ins) {
      if (at(c).lo > kMaxSum / coefficient) range.lo = kMaxSum;
      if (range.lo >= kMaxSum) {
        return fail(std::string(op_name(body_.node(id).op)) + " gives more than " +
                    std::to_string(kMaxSum));
      }
      range.lo += coefficient * at(c).lo;
      range.hi = std::min(kMaxSum, range.hi + coefficient * std::min(kMaxSum, at(c).hi));
      range.step = std::gcd(range.step, coefficient * at(c).step);
    }
    range = {range.lo / scale, range.hi / scale, std::max<std::int64_t>(1, range.step / scale)};
    const int out = new_class(range);
    problem_.relations.push_back({op_name(body_.node(id).op), out, scale, std::move(ins)});
    define(id, out, std::min(kMaxSum, ref));
  }

  /// Demands divisibility of a class.
  bool require_step(int c, std::int64_t step, const Node& node) {
    ChannelClass& range = at(c);
    const std::string before = range_text(range);
    range.step = std::lcm(range.step, step);
    range.lo = round_up(range.lo, range.step);
    range.hi = round_down(range.hi, range.step);
    if (range.lo <= range.hi) return true;
    fail(std::string(op_name(node.op)) + " needs a multiple of " + std::to_string(step) +
         ", its input has " + before);
    return false;
  }

  bool merge(int a, int b, const Node& join) {
    if (a == b) return true;
    const int root = std::min(a, b);
    const ChannelClass x = at(a), y = at(b);
    ChannelClass both;
    both.step = std::lcm(x.step, y.step);
    both.lo = round_up(std::max(x.lo, y.lo), both.step);
    both.hi = round_down(std::min(x.hi, y.hi), both.step);
    if (both.lo > both.hi) {
      fail(std::string(op_name(join.op)) + " joins " + range_text(x) + " and " + range_text(y));
      return false;
    }
    at(root) = both;
    parent_[static_cast<std::size_t>(std::max(a, b))] = root;
    return true;
  }

  void demand_outputs() {
    std::vector<std::pair<int, std::int64_t>> demands;  // class, channels; by output port
    for (std::uint32_t i = 0; i < body_.num_nodes(); ++i) {
      if (body_.node(NodeId{i}).op != OpKind::kOutput) continue;
      const ValueId value = body_.inputs(NodeId{i})[0];
      const std::size_t port = demands.size();
      const std::int64_t c = ports_.outputs[port].c;
      const ChannelClass& range = at(class_of(value));
      if (c < range.lo || c > range.hi || c % range.step != 0) {
        problem_.reason = "output port " + std::to_string(port) + ": channels " +
                          std::to_string(c) + " cannot be reached from " + sources_text(value) +
                          " (reachable: " + range_text(range) + ")";
        return;
      }
      demands.emplace_back(class_of(value), c);
    }
    for (std::size_t j = 0; j < demands.size(); ++j) {
      const auto [cls, c] = demands[j];
      for (std::size_t i = 0; i < j; ++i) {
        if (demands[i].first != cls || demands[i].second == c) continue;
        problem_.reason = "output ports " + std::to_string(i) + " and " + std::to_string(j) +
                          ": channels " + std::to_string(demands[i].second) + " and " +
                          std::to_string(c) + " must be equal";
        return;
      }
      at(cls) = {c, c, 1};
    }
  }

  std::string sources_text(ValueId value) const {
    std::string text;
    for (const std::size_t port : source_ports(body_, value)) {
      if (!text.empty()) text += " and ";
      text += std::to_string(ports_.inputs[port].c) + " at input port " + std::to_string(port);
    }
    return text;
  }

  /// Leaves only the roots, numbered from 0; collects coefficients of classes that have merged.
  void renumber() {
    std::vector<int> number(parent_.size(), -1);
    std::vector<ChannelClass> classes;
    for (std::size_t c = 0; c < parent_.size(); ++c) {
      if (parent_[c] != static_cast<int>(c)) continue;
      number[c] = static_cast<int>(classes.size());
      classes.push_back(problem_.classes[c]);
    }
    auto renamed = [&](int c) { return number[static_cast<std::size_t>(find(c))]; };
    for (int& c : problem_.class_of) c = renamed(c);
    for (ChannelTerm& term : problem_.terms) term.cls = renamed(term.cls);
    for (SumRelation& relation : problem_.relations) {
      relation.out = renamed(relation.out);
      std::vector<SumRelation::Term> ins;
      for (const auto& [c, coefficient] : relation.ins) add_to_sum(ins, renamed(c), coefficient);
      relation.ins = std::move(ins);
    }
    problem_.classes = std::move(classes);
  }

  const Graph& body_;
  const PortMaps& ports_;
  const PropagateOptions& options_;
  std::vector<int> parent_;        // union-find over classes
  std::vector<std::int64_t> ref_;  // by value
  ChannelProblem problem_;
};

}  // namespace

std::string range_text(const ChannelClass& range) {
  if (range.lo == range.hi) return std::to_string(range.lo);
  return std::to_string(range.lo) + " ... " + std::to_string(range.hi) +
         (range.step == 1 ? "" : " in steps of " + std::to_string(range.step));
}

ChannelProblem build_channel_problem(const Graph& body, const PortMaps& ports,
                                     const PropagateOptions& options) {
  return ChannelBuilder(body, ports, options).build();
}

}  // namespace autogo
