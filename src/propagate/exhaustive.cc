// The oracle: every assignment, in the plainest way.
//
// Written apart from the solver on purpose. It shares the operators' shape rules (infer_type) and
// nothing else: no classes, no transitions, no bounds. One dimension at a time (channels, height,
// width), it walks the body in order and gives every choosing node every value that it may take;
// joins and demanded outputs reject. The dimensions do not couple: tests/propagate/oracle_test.cc
// also enumerates all three together on small cases. What does not depend on a choice (layout,
// rank, element type, batch) is checked last, when the best choice is rebuilt.
//
// Exponential in the number of choosing nodes. Not for use outside tests.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "autogo/base/error.h"
#include "autogo/propagate/propagate.h"

namespace autogo {
namespace {

constexpr double kUnit = 65536;  // objectives are integers in 1 / kUnit

enum class Dim { kC, kH, kW };

std::int64_t get(const FeatureMap& map, Dim dim) {
  return dim == Dim::kC ? map.c : dim == Dim::kH ? map.h : map.w;
}

/// What an axis of a type is, found by giving the dimensions different sizes.
std::optional<Dim> dim_on_axis(const TensorType& type, std::int32_t axis) {
  const int rank = type.shape.rank();
  const std::int64_t c = 2, h = rank >= 3 ? 3 : 1, w = rank >= 4 ? 5 : 1;
  TensorType probe = with_feature_map(type, {c, h, w});
  probe.shape[0] = 7;
  switch (probe.shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)]) {
    case 2:
      return Dim::kC;
    case 3:
      return Dim::kH;
    case 5:
      return Dim::kW;
    default:
      return std::nullopt;
  }
}

/// The axis on which a type has a dimension.
std::optional<std::int32_t> axis_with_dim(const TensorType& type, Dim dim) {
  for (std::int32_t axis = 0; axis < type.shape.rank(); ++axis) {
    if (dim_on_axis(type, axis) == dim) return axis;
  }
  return std::nullopt;
}

struct Option {
  std::int64_t out = 0;     ///< channels or size
  std::int32_t stride = 0;  ///< sizes only
  std::int64_t cost = 0;
};

/// A node with its arithmetic in one dimension only, so that the shape rule can be asked for that.
std::optional<std::int64_t> size_by_rule(const Node& node, std::int32_t stride, std::int64_t size,
                                         bool height) {
  const std::size_t d = height ? 0 : 1, other = 1 - d;
  Attrs a = node.attrs;
  a.stride[d] = stride;
  a.kernel[other] = a.stride[other] = a.dilation[other] = 1;
  a.pads[other] = a.pads[other + 2] = a.output_padding[other] = 0;
  a.group = 1;
  a.out_channels = std::max(1, a.block * a.block);
  const std::int64_t channels = a.out_channels;
  if (node.op == OpKind::kConvTranspose && a.output_padding[d] > 0 &&
      a.output_padding[d] >= std::max(a.stride[d], a.dilation[d])) {
    return std::nullopt;
  }
  const TensorType in{DType::kFloat32, Layout::kChannelsFirst,
                      height ? Shape{1, channels, size, 1} : Shape{1, channels, 1, size}};
  try {
    return infer_type(node.op, a, std::span(&in, 1)).shape[d + 2];
  } catch (const Error&) {
    return std::nullopt;  // the window does not fit
  }
}

class Enumeration {
 public:
  Enumeration(const Graph& body, Dim dim, std::span<const TensorType> inputs,
              std::span<const TensorType> outputs, const PropagateOptions& options,
              std::uint64_t max_assignments)
      : body_(body),
        dim_(dim),
        inputs_(inputs),
        outputs_(outputs),
        options_(options),
        budget_(max_assignments),
        value_(body.num_values()),
        ref_(body.num_values()),
        stride_(body.num_nodes()) {}

  void run() { visit(0, 0, 0, 0); }
  bool found() const { return best_cost_ != std::numeric_limits<std::int64_t>::max(); }
  std::int64_t best_cost() const { return best_cost_; }
  std::int64_t best_value(ValueId v) const { return best_value_[index(v)]; }
  std::int32_t best_stride(NodeId n) const { return best_stride_[index(n)]; }

 private:
  std::int64_t mined(ValueId v) const { return get(feature_map(body_.type(v)), dim_); }

  void visit(std::uint32_t n, std::size_t next_input, std::size_t next_output, std::int64_t cost) {
    if (n == body_.num_nodes()) {
      if (cost >= best_cost_) return;
      best_cost_ = cost;
      best_value_ = value_;
      best_stride_ = stride_;
      return;
    }
    const NodeId id{n};
    const Node& node = body_.node(id);
    if (node.op == OpKind::kOutput) {
      const std::int64_t demanded = get(feature_map(outputs_[next_output]), dim_);
      if (value_[index(body_.inputs(id)[0])] != demanded) return;
      visit(n + 1, next_input, next_output + 1, cost);
      return;
    }
    const std::size_t v = index(body_.output(id));
    if (node.op == OpKind::kInput) {
      value_[v] = ref_[v] = get(feature_map(inputs_[next_input]), dim_);
      visit(n + 1, next_input + 1, next_output, cost);
      return;
    }
    for (const Option& option : dim_ == Dim::kC ? channel_options(id) : size_options(id)) {
      AUTOGO_REQUIRE(budget_-- > 0, ErrorKind::kUnsupported,
                     "too many assignments for exhaustive propagation");
      value_[v] = option.out;
      stride_[n] = option.stride;
      visit(n + 1, next_input, next_output, cost + option.cost);
    }
  }

  /// Whether a node is a concat along the dimension at hand.
  bool concatenates(NodeId id) const {
    const Node& node = body_.node(id);
    return node.op == OpKind::kConcat &&
           dim_on_axis(body_.type(body_.inputs(id)[0]), node.attrs.axis) == dim_;
  }

  std::int64_t sum_of(std::span<const ValueId> inputs,
                      const std::vector<std::int64_t>& by_value) const {
    std::int64_t sum = 0;
    for (const ValueId v : inputs) sum += by_value[index(v)];
    return sum;
  }

  bool inputs_equal(NodeId id) const {
    return std::ranges::all_of(body_.inputs(id), [&](ValueId v) {
      return value_[index(v)] == value_[index(body_.inputs(id)[0])];
    });
  }

  std::vector<Option> size_options(NodeId id) const {
    const Node& node = body_.node(id);
    if (concatenates(id)) return {{sum_of(body_.inputs(id), value_), 0, 0}};
    if (!inputs_equal(id)) return {};
    const std::int64_t in = value_[index(body_.inputs(id)[0])];
    const bool height = dim_ == Dim::kH;
    using enum OpKind;
    switch (node.op) {
      case kGlobalAvgPool:
      case kGlobalMaxPool:
      case kDepthToSpace:
        return {{size_by_rule(node, 1, in, height).value(), 0, 0}};
      case kConv:
      case kDepthwiseConv:
      case kConvTranspose:
      case kMaxPool:
      case kAvgPool:
      case kResize:
        break;
      default:
        return {{in, 0, 0}};
    }
    std::vector<Option> options;
    const std::size_t d = height ? 0 : 1;
    const std::int32_t own = node.attrs.stride[d];
    for (std::int32_t s = 1; s <= std::max(own, 4); ++s) {
      if (s != own) {
        if (s == 3 || s > 4 || s > options_.max_stride) continue;
        if ((node.op == kMaxPool || node.op == kAvgPool) && s > node.attrs.kernel[d]) continue;
      }
      const auto out = size_by_rule(node, s, in, height);
      if (!out) continue;
      const double change = std::fabs(std::log2(s) - std::log2(own));
      options.push_back({*out, s, std::llround(kUnit * change)});
    }
    return options;
  }

  std::vector<Option> channel_options(NodeId id) {
    const Node& node = body_.node(id);
    const std::span<const ValueId> inputs = body_.inputs(id);
    const std::size_t v = index(body_.output(id));
    const std::int64_t in = value_[index(inputs[0])];
    ref_[v] = ref_[index(inputs[0])];
    if (concatenates(id)) {
      ref_[v] = sum_of(inputs, ref_);
      return {{sum_of(inputs, value_), 0, 0}};
    }
    using enum OpKind;
    switch (node.op) {
      case kConv:
      case kConvTranspose:
        return free_channels(id, node.attrs.group, in);
      case kDense:
      case kAttention:
        return free_channels(id, 1, in);
      case kDepthwiseConv: {
        const std::int64_t multiplier = mined(body_.output(id)) / mined(inputs[0]);
        ref_[v] *= multiplier;
        return {{in * multiplier, 0, 0}};
      }
      case kDepthToSpace: {
        const std::int64_t area = std::int64_t{node.attrs.block} * node.attrs.block;
        ref_[v] = std::max<std::int64_t>(1, ref_[v] / area);
        if (in % area != 0) return {};
        return {{in / area, 0, 0}};
      }
      case kGroupNorm:
        if (in % node.attrs.group != 0) return {};
        return {{in, 0, 0}};
      default:
        if (!inputs_equal(id)) return {};
        return {{in, 0, 0}};
    }
  }

  std::vector<Option> free_channels(NodeId id, std::int64_t group, std::int64_t in) {
    if (in % group != 0) return {};
    const ValueId source = body_.inputs(id)[0], result = body_.output(id);
    const double ratio = static_cast<double>(mined(result)) / static_cast<double>(mined(source));
    const double exact = static_cast<double>(ref_[index(source)]) * ratio;
    auto ref = static_cast<std::int64_t>(std::floor(exact + 0.5 + 1e-9));
    const double groups = static_cast<double>(ref) / static_cast<double>(group);
    ref = group *
          std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(groups + 0.5 + 1e-9)));
    if (ref > (1 << 20)) {  // the largest reference: the first multiple from 2^20
      for (ref = 1 << 20; ref % group != 0;) ++ref;
    }
    ref_[index(result)] = ref;
    const double r = static_cast<double>(ref), f = options_.max_channel_factor;
    const auto weight =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(kUnit / r + 0.5)));
    std::vector<Option> options;
    for (std::int64_t c = 1; c <= 65536 && static_cast<double>(c) <= r * f + 1e-9; ++c) {
      if (c % group != 0 || static_cast<double>(c) < r / f - 1e-9) continue;
      options.push_back({c, 0, weight * std::abs(c - ref)});
    }
    return options;
  }

  const Graph& body_;
  const Dim dim_;
  const std::span<const TensorType> inputs_, outputs_;
  const PropagateOptions& options_;
  std::uint64_t budget_;
  std::vector<std::int64_t> value_, ref_;  // by value
  std::vector<std::int32_t> stride_;       // by node
  std::int64_t best_cost_ = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> best_value_;
  std::vector<std::int32_t> best_stride_;
};

bool is_map(const TensorType& type) {
  const FeatureMap map = feature_map(type);
  return map.c > 0 && map.h > 0 && map.w > 0;
}

/// Whether the body consists of nodes that may be adjusted, on feature maps.
bool adjustable(const Graph& body, std::span<const TensorType> inputs,
                std::span<const TensorType> outputs) {
  if (!std::ranges::all_of(inputs, is_map) || !std::ranges::all_of(outputs, is_map)) return false;
  for (const Value& value : body.values()) {
    if (!is_map(value.type)) return false;
  }
  for (const Node& node : body.nodes()) {
    if (op_info(node.op).shape_class == ShapeClass::kFixed) return false;
  }
  return true;
}

bool moved(const TensorType& mined, const TensorType& actual) {
  return mined.layout != actual.layout || mined.shape.rank() != actual.shape.rank();
}

/// Operand types as the operator needs them, beyond what infer_type rejects.
bool operands_fit(const Node& node, std::span<const TensorType> in, const TensorType& mined) {
  const OpInfo& info = op_info(node.op);
  const bool first = in[0].layout == Layout::kChannelsFirst && in[0].shape.rank() == 4;
  const bool vector_norm = node.op == OpKind::kBatchNorm && in[0].shape.rank() == 2;
  if (info.first_only && !first && !vector_norm) return false;
  if (info.last_only && in[0].layout != Layout::kChannelsLast) return false;
  if (node.op == OpKind::kAttention && in[0].shape.rank() < 3) return false;
  for (const TensorType& type : in) {
    if (type.dtype != in[0].dtype || type.layout != in[0].layout) return false;
    if (type.shape.rank() != in[0].shape.rank() || type.shape[0] != in[0].shape[0]) return false;
  }
  if (!info.along_axis) return true;
  const auto dim = dim_on_axis(mined, node.attrs.axis);
  if (!dim) return node.op != OpKind::kConcat && !moved(mined, in[0]);
  return axis_with_dim(in[0], *dim).has_value();
}

/// The body with the best choices, or nothing when its types do not come out as demanded.
std::optional<Graph> rebuild(const Graph& body, std::span<const TensorType> inputs,
                             std::span<const TensorType> outputs, const Enumeration& c,
                             const Enumeration& h, const Enumeration& w) {
  Graph result;
  std::vector<ValueId> map(body.num_values());
  std::size_t next_input = 0, next_output = 0;
  for (std::uint32_t n = 0; n < body.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = body.node(id);
    if (node.op == OpKind::kInput) {
      map[index(body.output(id))] = result.add_input(inputs[next_input++]);
      continue;
    }
    std::vector<ValueId> operands;
    std::vector<TensorType> types;
    for (const ValueId v : body.inputs(id)) {
      operands.push_back(map[index(v)]);
      types.push_back(result.type(operands.back()));
    }
    if (node.op == OpKind::kOutput) {
      if (types[0] != outputs[next_output++]) return std::nullopt;
      result.add_output(operands[0]);
      continue;
    }
    const TensorType& mined = body.type(body.inputs(id)[0]);
    if (!operands_fit(node, types, mined)) return std::nullopt;
    Attrs attrs = node.attrs;
    if (h.best_stride(id) > 0) attrs.stride = {h.best_stride(id), w.best_stride(id)};
    const std::int64_t channels = c.best_value(body.output(id));
    if (op_info(node.op).weighted) attrs.out_channels = static_cast<std::int32_t>(channels);
    const auto scaled = [&](std::int32_t count, std::int64_t to) {
      const double exact = static_cast<double>(count) * static_cast<double>(to) /
                           static_cast<double>(feature_map(mined).c);
      return std::max(1, static_cast<std::int32_t>(std::floor(exact + 0.5)));
    };
    if (node.op == OpKind::kSqueezeExcite)
      attrs.out_channels = scaled(attrs.out_channels, channels);
    if (node.op == OpKind::kAttention) {
      attrs.axis = types[0].layout == Layout::kChannelsFirst ? 1 : types[0].shape.rank() - 2;
      attrs.group = scaled(attrs.group, c.best_value(body.inputs(id)[0]));
    }
    if (moved(mined, types[0]) && op_info(node.op).along_axis) {
      attrs.axis = axis_with_dim(types[0], *dim_on_axis(mined, attrs.axis)).value();
    }
    map[index(body.output(id))] = result.add(node.op, attrs, operands);
  }
  return result;
}

}  // namespace

Propagation propagate_exhaustive(const Graph& body, std::span<const TensorType> inputs,
                                 std::span<const TensorType> outputs,
                                 const PropagateOptions& options, std::uint64_t max_assignments) {
  Propagation result;
  result.reason = "exhaustive: no assignment fits";
  if (!adjustable(body, inputs, outputs)) return result;
  Enumeration c(body, Dim::kC, inputs, outputs, options, max_assignments);
  Enumeration h(body, Dim::kH, inputs, outputs, options, max_assignments);
  Enumeration w(body, Dim::kW, inputs, outputs, options, max_assignments);
  for (Enumeration* dimension : {&h, &w, &c}) {
    dimension->run();
    if (!dimension->found()) return result;
  }
  std::optional<Graph> resolved = rebuild(body, inputs, outputs, c, h, w);
  if (!resolved) return result;
  result.status = SolveStatus::kFeasible;
  result.reason.clear();
  result.objective = static_cast<double>(c.best_cost() + h.best_cost() + w.best_cost()) / kUnit;
  result.body = std::move(*resolved);
  return result;
}

}  // namespace autogo
