// The ONNX spellings of the operator table, one node at a time (idioms of several nodes are in
// patterns.cc). A node gets a table form only when everything that the table leaves out of Attrs is
// as the table means it: weights constant, no second output in use, modes of their default meaning.
// Everything else stays opaque and goes out as it came in.
//
// Tested by tests/onnx/import_ops_test.cc.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "autogo/base/error.h"
#include "import_view.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;
using Forms = std::vector<TableForm>;

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

struct Reader {
  const ImportView& view;
  int node;

  const onnx::NodeProto& proto() const { return view.proto(node); }
  int in(std::size_t i) const { return view.input(node, i); }
  const Dims& dims(std::size_t i) const { return view.dims(in(i)); }
  std::size_t rank(std::size_t i) const { return in(i) < 0 || !dims(i) ? 0 : dims(i)->size(); }
  bool has(std::size_t i) const { return in(i) >= 0; }
  bool constant(std::size_t i) const { return has(i) && view.constant(in(i)); }
  bool absent_or_constant(std::size_t i) const { return !has(i) || view.constant(in(i)); }
  std::int64_t integer(const char* name, std::int64_t other) const {
    return attribute_int(proto(), name, other);
  }
  float real(const char* name, float other) const { return attribute_float(proto(), name, other); }
};

Forms simple(OpKind op, const Reader& r, Attrs attrs = {}) {
  return {{op, std::move(attrs), {r.in(0)}}};
}

/// Kernel, strides, dilations, pads; false when a list is malformed for two spatial axes.
bool read_window(const Reader& r, Attrs& a) {
  auto pair = [&](const char* name, std::array<std::int32_t, 2>& out) {
    const auto values = attribute_ints(r.proto(), name);
    if (!values || values->empty()) return true;
    if (values->size() != 2) return false;
    out = {narrow((*values)[0]), narrow((*values)[1])};
    return true;
  };
  if (!pair("kernel_shape", a.kernel) || !pair("strides", a.stride) ||
      !pair("dilations", a.dilation) || !pair("output_padding", a.output_padding)) {
    return false;
  }
  const std::string auto_pad = attribute_string(r.proto(), "auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER") a.padding = Padding::kSame;
  if (auto_pad == "SAME_LOWER") a.padding = Padding::kSameLower;
  const auto pads = attribute_ints(r.proto(), "pads");
  if (auto_pad != "NOTSET" || !pads || pads->empty()) return true;
  for (std::size_t i = 0; i < 4; ++i) {
    if (pads->size() != 4 || (*pads)[i] < 0) return false;
    a.pads[i] = narrow((*pads)[i]);
  }
  return true;
}

Forms conv(const Reader& r) {
  if (!r.constant(1) || !r.absent_or_constant(2) || r.rank(0) != 4 || r.rank(1) != 4) return {};
  const Ints &weights = *r.dims(1), &in = *r.dims(0);
  Attrs a;
  if (!read_window(r, a)) return {};
  a.kernel = {narrow(weights[2]), narrow(weights[3])};
  a.bias = r.has(2);
  const std::int64_t group = r.integer("group", 1);
  const bool transposed = r.view.is(r.node, "ConvTranspose");
  a.out_channels = narrow(transposed ? weights[1] * group : weights[0]);
  const bool depthwise = !transposed && group > 1 && group == in[1];
  if (!depthwise) a.group = narrow(group);
  if (transposed && find_attribute(r.proto(), "output_shape") != nullptr) return {};
  return simple(transposed  ? OpKind::kConvTranspose
                : depthwise ? OpKind::kDepthwiseConv
                            : OpKind::kConv,
                r, a);
}

Forms pool(const Reader& r) {
  Attrs a;
  if (r.rank(0) != 4 || !read_window(r, a)) return {};
  a.ceil_mode = r.integer("ceil_mode", 0) != 0;
  const bool average = r.view.is(r.node, "AveragePool");
  if (average) a.count_include_pad = r.integer("count_include_pad", 0) != 0;
  return simple(average ? OpKind::kAvgPool : OpKind::kMaxPool, r, a);
}

Forms gemm(const Reader& r) {
  if (!r.constant(1) || !r.absent_or_constant(2) || r.rank(1) != 2) return {};
  if (r.integer("transA", 0) != 0 || r.real("alpha", 1) != 1) return {};
  if (r.has(2) && r.real("beta", 1) != 1) return {};
  Attrs a;
  a.out_channels = narrow((*r.dims(1))[r.integer("transB", 0) != 0 ? 0 : 1]);
  a.bias = r.has(2);
  return simple(OpKind::kDense, r, a);
}

Forms matmul(const Reader& r) {
  if (r.constant(1) && r.rank(1) == 2 && r.rank(0) >= 2) {
    Attrs a;
    a.out_channels = narrow((*r.dims(1))[1]);
    return simple(OpKind::kDense, r, a);
  }
  if (r.constant(0) || r.constant(1)) return {};
  return {{OpKind::kMatMul, {}, {r.in(0), r.in(1)}}};
}

Forms batch_norm(const Reader& r) {
  for (const std::size_t i : {1U, 2U, 3U, 4U}) {
    if (!r.constant(i)) return {};
  }
  if (r.integer("training_mode", 0) != 0) return {};
  if (r.integer("spatial", 1) != 1) return {};
  Attrs a;
  a.epsilon = r.real("epsilon", 1e-5F);
  return simple(OpKind::kBatchNorm, r, a);
}

Forms instance_norm(const Reader& r) {
  if (!r.constant(1) || !r.constant(2)) return {};
  Attrs a;
  a.epsilon = r.real("epsilon", 1e-5F);
  return simple(OpKind::kInstanceNorm, r, a);
}

Forms group_norm(const Reader& r) {
  if (!r.constant(1) || !r.constant(2)) return {};
  Attrs a;
  a.epsilon = r.real("epsilon", 1e-5F);
  a.group = narrow(r.integer("num_groups", 1));
  return simple(OpKind::kGroupNorm, r, a);
}

Forms layer_norm(const Reader& r) {
  const std::int64_t axis = r.integer("axis", -1);
  const bool last = axis == -1 || axis + 1 == static_cast<std::int64_t>(r.rank(0));
  if (!last || !r.constant(1) || !r.absent_or_constant(2)) return {};
  Attrs a;
  a.epsilon = r.real("epsilon", 1e-5F);
  a.bias = r.has(2);
  return simple(OpKind::kLayerNorm, r, a);
}

Forms clip(const Reader& r) {
  std::optional<double> low, high;
  if (r.view.opset() < 11) {
    low = r.real("min", -INFINITY);
    high = r.real("max", INFINITY);
  } else {
    if (r.has(1)) low = r.view.scalar(r.in(1));
    if (r.has(2)) high = r.view.scalar(r.in(2));
  }
  if (low != 0.0 || high != 6.0) return {};
  return simple(OpKind::kRelu6, r);
}

Forms prelu(const Reader& r) {
  if (!r.constant(1) || r.rank(0) < 2) return {};
  const Ints &slope = *r.dims(1), &in = *r.dims(0);
  const std::int64_t elements = num_elements(slope);
  const std::size_t place = r.rank(0) - 1;  // C x 1 x 1 for N x C x H x W, else along the last axis
  const bool first = elements == in[1] && slope.size() == place && slope[0] == elements;
  const bool last = elements == in.back() && !slope.empty() && slope.back() == elements;
  if (elements != 1 && !first && !last) return {};
  return simple(OpKind::kPRelu, r);
}

Forms softmax(const Reader& r, OpKind op) {
  const std::size_t rank = r.rank(0);
  if (rank == 0) return {};
  std::int64_t axis = r.integer("axis", r.view.opset() < 13 ? 1 : -1);
  if (axis < 0) axis += static_cast<std::int64_t>(rank);
  if (axis < 0 || axis >= static_cast<std::int64_t>(rank)) return {};
  if (r.view.opset() < 13) {  // normalises over everything from `axis` on
    for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < rank; ++i) {
      if ((*r.dims(0))[i] != 1) return {};
    }
  }
  Attrs a;
  a.axis = narrow(axis);
  return simple(op, r, a);
}

Forms join(const Reader& r, OpKind op) {
  TableForm form{op, {}, {}};
  for (std::size_t i = 0; i < r.view.node(r.node).inputs.size(); ++i) {
    if (!r.has(i) || !r.view.computed(r.in(i))) return {};
    form.inputs.push_back(r.in(i));
  }
  if (form.inputs.size() < 2) return {};
  return {form};
}

/// A product with one constant number for each index along an axis: the channels where they come
/// first, or the last axis. Any other is one of two computed operands.
Forms product(const Reader& r) {
  for (const std::size_t i : {0U, 1U}) {
    if (!r.constant(1 - i) || !r.has(i) || !r.view.computed(r.in(i))) continue;
    const std::size_t rank = r.rank(i), own = r.rank(1 - i);
    const Ints& numbers = *r.dims(1 - i);
    const std::int64_t elements = num_elements(numbers);
    if (rank < 2 || own == 0 || own > rank || elements < 2) return {};
    for (const std::size_t axis : {rank == 4 ? 1 : rank - 1, rank - 1}) {
      if (axis + own < rank || numbers[axis + own - rank] != elements) continue;
      Attrs a;
      a.axis = narrow(static_cast<std::int64_t>(axis));
      return {{OpKind::kScale, a, {r.in(i)}}};
    }
    return {};
  }
  return join(r, OpKind::kMul);
}

Forms concat(const Reader& r) {
  Forms forms = join(r, OpKind::kConcat);
  if (forms.empty() || r.rank(0) == 0) return {};
  std::int64_t axis = r.integer("axis", 1);
  if (axis < 0) axis += static_cast<std::int64_t>(r.rank(0));
  forms[0].attrs.axis = narrow(axis);
  return forms;
}

Forms resize(const Reader& r) {
  if (r.rank(0) != 4) return {};
  const bool old = r.view.is(r.node, "Upsample") || r.view.opset() < 11;
  for (std::size_t i = 1; i < r.view.node(r.node).inputs.size(); ++i) {
    if (!r.absent_or_constant(i)) return {};
  }
  if (!old && attribute_string(r.proto(), "coordinate_transformation_mode", "half_pixel") ==
                  "tf_crop_and_resize") {
    return {};
  }
  const Dims& out = r.view.dims(r.view.output(r.node));
  if (!all_known(out) || !all_known(r.dims(0)) || out->size() != 4) return {};
  Attrs a;
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    const std::int64_t from = (*r.dims(0))[i], to = (*out)[i];
    if (from <= 0 || to % from != 0 || to < from || (i < 2 && to != from)) return {};
    if (i >= 2) a.stride[i - 2] = narrow(to / from);
  }
  a.text = attribute_string(r.proto(), "mode", "nearest");
  return simple(OpKind::kResize, r, a);
}

Forms blocks(const Reader& r) {
  Attrs a;
  a.block = narrow(r.integer("blocksize", 1));
  const bool to_space = r.view.is(r.node, "DepthToSpace");
  if (to_space) a.text = attribute_string(r.proto(), "mode", "DCR");
  return simple(to_space ? OpKind::kDepthToSpace : OpKind::kSpaceToDepth, r, a);
}

Forms pad(const Reader& r) {
  if (r.rank(0) != 4 || attribute_string(r.proto(), "mode", "constant") != "constant") return {};
  if (!r.absent_or_constant(1) || r.has(3)) return {};
  auto pads = attribute_ints(r.proto(), "pads");
  if (!pads && r.has(1)) pads = r.view.ints(r.in(1));
  const auto value = r.has(2) ? r.view.scalar(r.in(2)) : std::optional<double>(r.real("value", 0));
  if (!pads || pads->size() != 8 || value != 0.0) return {};
  const Ints& p = *pads;
  if (p[0] != 0 || p[1] != 0 || p[4] != 0 || p[5] != 0 || std::ranges::min(p) < 0) return {};
  Attrs a;
  a.pads = {narrow(p[2]), narrow(p[3]), narrow(p[6]), narrow(p[7])};
  return simple(OpKind::kPad, r, a);
}

Forms flatten(const Reader& r) {
  Attrs a;
  a.axis = narrow(r.integer("axis", 1));
  return simple(OpKind::kFlatten, r, a);
}

Forms reshape(const Reader& r) {
  if (!r.constant(1)) return {};
  const auto shape = r.view.ints(r.in(1));
  if (!shape) return {};
  Attrs a;
  a.ints = *shape;
  a.axis = r.integer("allowzero", 0) == 0 ? 1 : 0;
  return simple(OpKind::kReshape, r, a);
}

/// Squeeze and Unsqueeze: reshapes whose leading dimension is copied where it stays.
Forms squeeze(const Reader& r) {
  if (!r.absent_or_constant(1)) return {};
  const Dims& out = r.view.dims(r.view.output(r.node));
  if (!all_known(out) || !all_known(r.dims(0))) return {};
  Attrs a;
  a.ints = *out;
  if (!out->empty() && r.rank(0) > 0 && out->front() == r.dims(0)->front()) a.ints.front() = 0;
  return simple(OpKind::kReshape, r, a);
}

Forms transpose(const Reader& r) {
  const std::size_t rank = r.rank(0);
  if (rank == 0) return {};
  Attrs a;
  const auto perm = attribute_ints(r.proto(), "perm");
  for (std::size_t i = 0; i < rank; ++i) {
    std::int64_t axis = perm ? (*perm)[i] : static_cast<std::int64_t>(rank - 1 - i);
    if (axis < 0) axis += static_cast<std::int64_t>(rank);
    a.ints.push_back(axis);
  }
  return simple(OpKind::kTranspose, r, a);
}

Forms reduce_mean(const Reader& r) {
  const std::size_t rank = r.rank(0);
  if (rank == 0 || !r.absent_or_constant(1)) return {};
  std::optional<Ints> axes = attribute_ints(r.proto(), "axes");
  if (!axes && r.has(1)) axes = r.view.ints(r.in(1));
  if ((!axes || axes->empty()) && r.integer("noop_with_empty_axes", 0) != 0) return {};
  Attrs a;
  a.axis = r.integer("keepdims", 1) != 0 ? 1 : 0;
  if (axes) a.ints = *axes;
  for (std::int64_t& axis : a.ints) {
    if (axis < 0) axis += static_cast<std::int64_t>(rank);
  }
  std::ranges::sort(a.ints);
  Forms forms;
  if (rank == 4 && a.axis == 1 && a.ints == Ints{2, 3}) {
    forms = simple(OpKind::kGlobalAvgPool, r);
  }
  forms.push_back({OpKind::kReduceMean, a, {r.in(0)}});
  return forms;
}

/// An operator that the table spells as one of ONNX without weights.
Forms as_the_table_says(const Reader& r, const OpInfo& row) {
  Attrs a;
  if (row.has_alpha) a.alpha = r.real("alpha", row.alpha);
  if (row.has_beta) a.beta = r.real("beta", row.beta);
  return row.min_inputs == 1 ? simple(row.kind, r, a) : join(r, row.kind);
}

Forms selu(const Reader& r) {
  const bool usual = std::fabs(r.real("alpha", 1.67326319F) - 1.67326319F) < 1e-4F &&
                     std::fabs(r.real("gamma", 1.05070102F) - 1.05070102F) < 1e-4F;
  return usual ? simple(OpKind::kSelu, r) : Forms{};
}

Forms gelu(const Reader& r) {
  Attrs a;
  if (attribute_string(r.proto(), "approximate", "none") == "tanh") a.text = "tanh";
  return simple(OpKind::kGelu, r, a);
}

using Rule = std::function<Forms(const Reader&)>;

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> table = [] {
    const auto sum = [](const Reader& r) { return join(r, OpKind::kAdd); };
    std::map<std::string_view, Rule> own = {
        {"Add", sum},
        {"AveragePool", pool},
        {"BatchNormalization", batch_norm},
        {"Clip", clip},
        {"Concat", concat},
        {"Conv", conv},
        {"ConvTranspose", conv},
        {"DepthToSpace", blocks},
        {"Flatten", flatten},
        {"Gelu", gelu},
        {"Gemm", gemm},
        {"GroupNormalization", group_norm},
        {"InstanceNormalization", instance_norm},
        {"LayerNormalization", layer_norm},
        {"LogSoftmax", [](const Reader& r) { return softmax(r, OpKind::kLogSoftmax); }},
        {"MatMul", matmul},
        {"MaxPool", pool},
        {"Mul", product},
        {"PRelu", prelu},
        {"Pad", pad},
        {"ReduceMean", reduce_mean},
        {"Reshape", reshape},
        {"Resize", resize},
        {"Selu", selu},
        {"Softmax", [](const Reader& r) { return softmax(r, OpKind::kSoftmax); }},
        {"SpaceToDepth", blocks},
        {"Squeeze", squeeze},
        {"Sum", sum},
        {"Transpose", transpose},
        {"Unsqueeze", squeeze},
        {"Upsample", resize},
    };
    for (const OpInfo& row : op_table()) {
      if (row.onnx == nullptr || row.kind == OpKind::kIdentity) continue;  // identities are folded
      own.try_emplace(row.onnx, [&row](const Reader& r) { return as_the_table_says(r, row); });
    }
    return own;
  }();
  return table;
}

}  // namespace

std::vector<TableForm> table_forms(const ImportView& view, int node) {
  if (!standard_domain(view.proto(node)) || !view.node(node).captured.empty()) return {};
  const auto it = rules().find(view.proto(node).op_type());
  if (it == rules().end() || view.input(node, 0) < 0 || !view.only_first_output(node)) return {};
  std::vector<TableForm> forms = it->second(Reader{view, node});
  // A table node computes with floating point on computed inputs; integers are shape arithmetic.
  std::erase_if(forms, [&](const TableForm& form) {
    return std::ranges::any_of(form.inputs, [&](int value) {
      return !view.computed(value) || !is_floating(view.source().value(value).dtype);
    });
  });
  return forms;
}

}  // namespace autogo
