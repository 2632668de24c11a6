// Resolution propagation (AutoGO, 3.2 and A.5.7): make a segment fit a gap.
//
// Problem. A replacement was mined at one set of shapes and must run between ports of another. Its
// convolutions may take other channel counts and strides, its pools other strides; everything
// between must agree, exactly, by the operators' real arithmetic, and it should change as little as
// possible: a segment that is bent a lot is not the one the predictor has learned to like.
//
// Idea. Channels, height and width do not couple in any operator of a segment (a concat adds along
// one of them and wants the others equal): each is a problem of its own, far smaller than the joint
// one. First the things that no choice can mend: operators without a shape class, layouts, ranks,
// batch, element type. Then, cheapest first, heights and widths (finite tables and sums,
// size_problem.cc) and channels (bounds and sums, channel_problem.cc).
// Direct solvers settle nearly all, with a proof either way; a MILP (milp.cc) settles the rest.
// Finally the segment is rebuilt through the shape rules, which must give the demanded types: an
// answer is never trusted, always recomputed.
//
// Not the paper's program as it stands: one with absolute choices of half and double cannot express
// odd sizes, 16 -> 24 channels, or anything that needs two steps (docs/decisions/0003).
//
// Objective. Sum over choosing nodes of |C - ref| / ref, plus |log2(stride / own stride)| per node
// and dimension. Ties are broken in the solvers, see there; nothing depends on anything but the
// arguments.
//
// Cost: near O(nodes) for nearly all segments; tens of microseconds.
// Tested by tests/propagate/oracle_test.cc, tests/propagate/propagate_test.cc.

#include "autogo/propagate/propagate.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "solve.h"

namespace autogo {
namespace {

/// A type without its sizes: what no choice can change.
TensorType frame_of(const TensorType& type) { return with_feature_map(type, {1, 1, 1}); }

bool usable(const FeatureMap& map) { return map.c >= 1 && map.h >= 1 && map.w >= 1; }

const char* layout_text(Layout layout) {
  if (layout == Layout::kChannelsFirst) return "channels first";
  return layout == Layout::kChannelsLast ? "channels last" : "no channels";
}

/// Whether the dimensions sit on other axes than in the segment itself.
bool moved(const TensorType& mined, const TensorType& actual) {
  return mined.layout != actual.layout || mined.shape.rank() != actual.shape.rank();
}

/// Batch, rank, layout and element type run through the body unchanged. Empty when they fit.
class Frames {
 public:
  Frames(const Graph& body, std::span<const TensorType> inputs, std::span<const TensorType> outputs)
      : body_(body), inputs_(inputs), outputs_(outputs), frames_(body.num_values()) {}

  std::string check() {
    std::size_t in = 0, out = 0;
    for (std::uint32_t i = 0; i < body_.num_nodes(); ++i) {
      const NodeId id{i};
      const Node& node = body_.node(id);
      std::string reason;
      if (node.op == OpKind::kInput) {
        reason = check_input(in, id);
        ++in;
      } else if (node.op == OpKind::kOutput) {
        reason = check_output(out, frames_[index(body_.inputs(id)[0])]);
        ++out;
      } else {
        reason = check_node(id, node);
      }
      if (!reason.empty()) return reason;
    }
    return {};
  }

 private:
  std::string check_input(std::size_t port, NodeId id) {
    const TensorType& type = inputs_[port];
    if (!usable(feature_map(type)) || !usable(feature_map(body_.output_type(id)))) {
      return "input port " + std::to_string(port) + ": not a feature map";
    }
    frames_[index(body_.output(id))] = frame_of(type);
    return {};
  }

  std::string check_output(std::size_t port, const TensorType& frame) const {
    const TensorType& type = outputs_[port];
    const std::string name = "output port " + std::to_string(port) + ": ";
    if (!usable(feature_map(type))) return name + "not a feature map";
    const TensorType demanded = frame_of(type);
    if (demanded == frame) return {};
    if (demanded.layout != frame.layout) {
      return name + layout_text(demanded.layout) + " demanded, " + layout_text(frame.layout) +
             " found";
    }
    if (demanded.dtype != frame.dtype) {
      return name + dtype_name(demanded.dtype) + " demanded, " + dtype_name(frame.dtype) + " found";
    }
    return name + "rank or batch differ";
  }

  std::string check_node(NodeId id, const Node& node) {
    const OpInfo& info = op_info(node.op);
    const std::span<const ValueId> inputs = body_.inputs(id);
    if (info.shape_class == ShapeClass::kFixed || node.num_outputs != 1 || inputs.empty()) {
      return std::string(info.name) + " cannot be adjusted";
    }
    const TensorType& mined = body_.type(inputs[0]);
    const TensorType& frame = frames_[index(inputs[0])];
    if (!usable(feature_map(mined)) || !usable(feature_map(body_.output_type(id)))) {
      return std::string(info.name) + " is not on feature maps in the segment itself";
    }
    const bool vector_norm = node.op == OpKind::kBatchNorm && frame.shape.rank() == 2;
    if (info.first_only && !vector_norm &&
        (frame.layout != Layout::kChannelsFirst || frame.shape.rank() != 4)) {
      return std::string(info.name) + " needs maps with channels first, its input is " +
             layout_text(frame.layout) + ", rank " + std::to_string(frame.shape.rank());
    }
    if (info.last_only && frame.layout != Layout::kChannelsLast) {
      return std::string(info.name) + " needs channels last, its input is " +
             layout_text(frame.layout);
    }
    if (node.op == OpKind::kAttention && frame.shape.rank() < 3) {
      return "attention needs tokens or maps, its input has rank " +
             std::to_string(frame.shape.rank());
    }
    for (const ValueId v : inputs.subspan(1)) {
      if (frames_[index(v)] != frame) {
        return std::string(info.name) + " joins different layouts, ranks, batches or element types";
      }
    }
    if (info.along_axis) {
      const std::string over =
          std::string(info.name) + " over axis " + std::to_string(node.attrs.axis);
      const auto dim = map_dim_of(mined, node.attrs.axis);
      if (node.op == OpKind::kConcat && !dim) return over + " cannot be adjusted";
      if (moved(mined, frame) && !(dim && axis_of(frame, *dim))) return over + " on another layout";
    }
    frames_[index(body_.output(id))] = frame;
    return {};
  }

  const Graph& body_;
  const std::span<const TensorType> inputs_, outputs_;
  std::vector<TensorType> frames_;  // by value
};

/// What the three problems have decided.
struct Resolved {
  std::array<std::vector<std::int64_t>, 2> sizes;    // by value; height, width
  std::vector<std::int64_t> channels;                // by value
  std::array<std::vector<std::int32_t>, 2> strides;  // by node; 0: as it is
};

std::vector<std::int64_t> by_value(const std::vector<int>& class_of,
                                   const std::vector<std::int64_t>& by_class) {
  std::vector<std::int64_t> values;
  values.reserve(class_of.size());
  for (const int c : class_of) values.push_back(by_class[static_cast<std::size_t>(c)]);
  return values;
}

/// A number that grows with the channels (heads of an attention, the squeezed channels of a gate):
/// `count` of `own` channels, for `channels`; at least one.
std::int32_t scaled_count(std::int64_t count, std::int64_t channels, std::int64_t own) {
  return static_cast<std::int32_t>(
      std::max<std::int64_t>(1, (2 * count * channels + own) / (2 * own)));
}

Attrs resolved_attrs(const Graph& body, NodeId id, const Resolved& resolved,
                     const TensorType& input) {
  const Node& node = body.node(id);
  Attrs attrs = node.attrs;
  for (const std::size_t d : {0U, 1U}) {
    if (resolved.strides[d][index(id)] > 0) attrs.stride[d] = resolved.strides[d][index(id)];
  }
  const ValueId in = body.inputs(id)[0];
  const std::int64_t channels = resolved.channels[index(body.output(id))];
  if (op_info(node.op).weighted) attrs.out_channels = static_cast<std::int32_t>(channels);
  if (node.op == OpKind::kSqueezeExcite) {
    attrs.out_channels =
        scaled_count(node.attrs.out_channels, channels, feature_map(body.type(in)).c);
  }
  if (node.op == OpKind::kAttention) {
    attrs.axis = token_axis(input);
    attrs.group =
        scaled_count(node.attrs.group, resolved.channels[index(in)], feature_map(body.type(in)).c);
  }
  const TensorType& mined = body.type(in);
  if (op_info(node.op).along_axis && moved(mined, input)) {
    const auto axis = axis_of(input, map_dim_of(mined, attrs.axis).value());
    attrs.axis = static_cast<std::int32_t>(axis.value());
  }
  return attrs;
}

/// Adds a node to the answer. What the shape rules refuse there is our fault, not the input's.
ValueId add_resolved(Graph& result, OpKind op, const Attrs& attrs,
                     const std::vector<ValueId>& operands) {
  try {
    return result.add(op, attrs, operands);
  } catch (const Error& e) {
    throw Error(ErrorKind::kInternal, "shape propagation gives what the shape rules refuse, node " +
                                          std::to_string(result.num_nodes()) + ": " + e.what())
        .with_hint("this is a bug in autogo; please report it with the command and the model");
  }
}

/// The body with resolved attributes and types. The shape rules recompute every type; they must
/// agree with what was solved and demanded.
Graph rebuild(const Graph& body, const Resolved& resolved, std::span<const TensorType> inputs,
              std::span<const TensorType> outputs) {
  Graph result;
  std::vector<ValueId> map(body.num_values());
  std::vector<ValueId> operands;
  std::size_t in = 0, out = 0;
  for (std::uint32_t i = 0; i < body.num_nodes(); ++i) {
    const NodeId id{i};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput) {
      map[index(body.output(id))] = result.add_input(inputs[in++]);
      continue;
    }
    operands.clear();
    for (const ValueId v : body.inputs(id)) operands.push_back(map[index(v)]);
    if (node.op == OpKind::kOutput) {
      AUTOGO_CHECK(result.type(operands[0]) == outputs[out]);
      ++out;
      result.add_output(operands[0]);
      continue;
    }
    const ValueId value = add_resolved(
        result, node.op, resolved_attrs(body, id, resolved, result.type(operands[0])), operands);
    const std::size_t v = index(body.output(id));
    const FeatureMap expected{resolved.channels[v], resolved.sizes[0][v], resolved.sizes[1][v]};
    AUTOGO_CHECK(feature_map(result.type(value)) == expected);
    map[v] = value;
  }
  return result;
}

PortMaps port_maps(std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  PortMaps maps;
  for (const TensorType& type : inputs) maps.inputs.push_back(feature_map(type));
  for (const TensorType& type : outputs) maps.outputs.push_back(feature_map(type));
  return maps;
}

Outcome infeasible(const std::string& reason) {
  Outcome outcome;
  outcome.verdict = Verdict::kInfeasible;
  outcome.reason = reason;
  return outcome;
}

Outcome solve(const SizeProblem& problem, const char* name, SolvePath path, MilpTrace* trace) {
  if (!problem.reason.empty()) return infeasible(problem.reason);
  if (path == SolvePath::kMilp) return solve_milp(problem, name, trace);
  Outcome outcome = solve_direct(problem, name);
  if (outcome.verdict != Verdict::kUndecided) return outcome;
  return solve_milp(problem, name, trace);
}

Outcome solve(const ChannelProblem& problem, SolvePath path, MilpTrace* trace) {
  if (!problem.reason.empty()) return infeasible(problem.reason);
  if (path == SolvePath::kMilp) return solve_milp(problem, trace);
  Outcome outcome = solve_direct(problem);
  if (outcome.verdict != Verdict::kUndecided) return outcome;
  return solve_milp(problem, trace);
}

/// The stride of each node that leads between the chosen sizes at least cost.
std::vector<std::int32_t> chosen_strides(const SizeProblem& problem,
                                         const std::vector<std::int64_t>& sizes,
                                         std::size_t num_nodes) {
  std::vector<std::int32_t> strides(num_nodes, 0);
  for (const SizeNode& node : problem.nodes) {
    const auto chosen = std::ranges::find_if(node.transitions, [&](const Transition& t) {
      return t.in == sizes[static_cast<std::size_t>(node.in)] &&
             t.out == sizes[static_cast<std::size_t>(node.out)];
    });
    AUTOGO_CHECK(chosen != node.transitions.end());
    strides[index(node.node)] = chosen->stride;
  }
  return strides;
}

}  // namespace

std::optional<MapDim> concat_dim(const Graph& body, NodeId id) {
  const Node& node = body.node(id);
  if (node.op != OpKind::kConcat) return std::nullopt;
  return map_dim_of(body.type(body.inputs(id)[0]), node.attrs.axis);
}

Propagation propagate_by(SolvePath path, const Graph& body, std::span<const TensorType> inputs,
                         std::span<const TensorType> outputs, const PropagateOptions& options,
                         MilpTrace* trace) {
  AUTOGO_CHECK(body.input_nodes().size() == inputs.size());
  AUTOGO_CHECK(body.output_nodes().size() == outputs.size());
  Propagation result;
  result.reason = Frames(body, inputs, outputs).check();
  if (!result.reason.empty()) return result;

  const PortMaps ports = port_maps(inputs, outputs);
  Resolved resolved;
  std::int64_t cost = 0;
  constexpr std::array<const char*, 2> kNames{"height", "width"};
  for (const int dim : {0, 1}) {
    const auto d = static_cast<std::size_t>(dim);
    const SizeProblem problem = build_size_problem(body, ports, options, dim);
    Outcome outcome = solve(problem, kNames[d], path, trace);
    if (outcome.verdict == Verdict::kInfeasible) {
      result.reason = std::move(outcome.reason);
      return result;
    }
    cost += outcome.cost;
    resolved.sizes[d] = by_value(problem.class_of, outcome.values);
    resolved.strides[d] = chosen_strides(problem, outcome.values, body.num_nodes());
  }
  const ChannelProblem problem = build_channel_problem(body, ports, options);
  Outcome outcome = solve(problem, path, trace);
  if (outcome.verdict == Verdict::kInfeasible) {
    result.reason = std::move(outcome.reason);
    return result;
  }
  resolved.channels = by_value(problem.class_of, outcome.values);

  result.status = SolveStatus::kFeasible;
  result.objective = static_cast<double>(cost + outcome.cost) / static_cast<double>(kCostUnit);
  result.body = rebuild(body, resolved, inputs, outputs);
  return result;
}

Propagation propagate(const Graph& body, std::span<const TensorType> inputs,
                      std::span<const TensorType> outputs, const PropagateOptions& options) {
  return propagate_by(SolvePath::kAuto, body, inputs, outputs, options);
}

}  // namespace autogo
