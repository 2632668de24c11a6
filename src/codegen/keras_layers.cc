// Convolutions, pooling, matrix products and normalisations in Keras.
//
// Keras pads "same" as TensorFlow does: as much as the size of the result needs, the odd one at
// the end. Pads that are just that become padding="same"; others a ZeroPadding2D before. Weights
// are stored as Keras has them: height, width, in, out.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>

#include "keras_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

/// What Keras' windows need, for maps of known size.
struct Window {
  Ints kernel, strides, dilations, pads;  ///< pads: top, left, bottom, right
  bool same = true, none = true;

  Window(Call& c, Ints kernel_size) : kernel(std::move(kernel_size)) {
    if (kernel.size() != 2 || c.rank(0) != 4) c.refuse("windows of other than two dimensions");
    strides = window_list(c, "strides", 2, 1);
    dilations = window_list(c, "dilations", 2, 1);
    pads = window_pads_of(c, kernel);
    const bool strided = strides != Ints{1, 1}, dilated = dilations != Ints{1, 1};
    if (strided && dilated) c.refuse("Keras has no stride together with a dilation");
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t in = c.in_shape(0)[d + 2];
      if (in <= 0) c.refuse("the size of its input is not known");
      const std::int64_t extent = dilations[d] * (kernel[d] - 1) + 1;
      const std::int64_t out = (in + strides[d] - 1) / strides[d];
      const std::int64_t total = std::max<std::int64_t>((out - 1) * strides[d] + extent - in, 0);
      same = same && pads[d] == total / 2 && pads[d + 2] == total - total / 2;
      none = none && pads[d] == 0 && pads[d + 2] == 0;
    }
  }
  std::string zero_padding() const {
    return "layers.ZeroPadding2D(((" + py_items(Ints{pads[0], pads[2]}) + "), (" +
           py_items(Ints{pads[1], pads[3]}) + ")))";
  }
  /// The operand, padded where `padding` does not say it.
  PyExpr padded(const PyExpr& x) const { return same || none ? x : applied(zero_padding(), x); }
  void add(std::vector<std::string>& arguments) const {
    if (strides != Ints{1, 1}) arguments.push_back("strides=" + py_sizes(strides));
    if (same && !none) arguments.push_back("padding=\"same\"");
    if (dilations != Ints{1, 1}) arguments.push_back("dilation_rate=" + py_sizes(dilations));
  }
};

ConstantView weight_of(const Call& c, std::size_t i) {
  const auto view = c.constant(i);
  if (!view) c.refuse("input " + std::to_string(i) + " is computed, expected a weight");
  return *view;
}

void add_bias(Call& c, std::size_t slot, std::int64_t size, std::vector<std::string>& arguments,
              std::vector<LayerWeight>& weights) {
  if (c.has(slot)) {
    weights.push_back(reshaped_weight("bias", weight_of(c, slot), {size}));
  } else {
    arguments.push_back("use_bias=False");
  }
}

PyExpr conv(Call& c) {
  const ConstantView filter = weight_of(c, 1);
  if (filter.dims.size() != 4) c.refuse("convolutions of other than two dimensions");
  const Window w(c, {filter.dims[2], filter.dims[3]});
  const std::int64_t group = c.op.integer("group", 1), out = filter.dims[0];
  const bool depthwise = group > 1 && filter.dims[1] == 1 && group == c.in_shape(0)[1];
  std::vector<std::string> arguments;
  std::vector<LayerWeight> weights;
  if (depthwise) {
    if (w.strides[0] != w.strides[1]) c.refuse("a depthwise convolution of uneven strides");
    arguments.push_back(py_sizes(w.kernel));
    if (out != group) arguments.push_back("depth_multiplier=" + std::to_string(out / group));
    ConstantView wide = filter;  // channels times multiplier, a dimension each
    wide.dims = {group, out / group, filter.dims[2], filter.dims[3]};
    wide.read = [filter, dims = wide.dims] {
      ProgramTensor tensor = filter.read();
      tensor.dims = dims;
      return tensor;
    };
    weights.push_back(permuted_weight("kernel", wide, {2, 3, 0, 1}));
  } else {
    arguments = {std::to_string(out), py_sizes(w.kernel)};
    if (group > 1) arguments.push_back("groups=" + std::to_string(group));
    weights.push_back(permuted_weight("kernel", filter, {2, 3, 1, 0}));
  }
  w.add(arguments);
  add_bias(c, 2, out, arguments, weights);
  const std::string made =
      py_call(depthwise ? "layers.DepthwiseConv2D" : "layers.Conv2D", arguments).text;
  const PyExpr x = w.padded(last_operand(c, 0));
  set_channels_last(c, true);
  return applied(c.layer("conv", made, std::move(weights)), x);
}

/// Without padding the result has (in - 1) stride + max(kernel, stride) cells; the rest is cut off.
PyExpr conv_transpose(Call& c) {
  const ConstantView filter = weight_of(c, 1);
  if (filter.dims.size() != 4 || c.op.integer("group", 1) != 1 || c.rank(0) != 4) {
    c.refuse("a transposed convolution in groups, or of other than two dimensions");
  }
  const Ints kernel{filter.dims[2], filter.dims[3]}, strides = window_list(c, "strides", 2, 1);
  if (window_list(c, "dilations", 2, 1) != Ints{1, 1}) c.refuse("a dilated transposed convolution");
  const Shape &in = c.in_shape(0), &out = c.out_shape();
  if (!in.known() || !out.known()) c.refuse("the size of its output is not known");
  Ints pads = c.op.integers("pads").value_or(Ints(4, 0));
  const std::string rule = c.op.text("auto_pad", "NOTSET");
  Ints begin(2), end(2);
  bool cuts = false;
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t full = (in[d + 2] - 1) * strides[d] + kernel[d];
    const std::int64_t reached = (in[d + 2] - 1) * strides[d] + std::max(kernel[d], strides[d]);
    begin[d] = pads[d];
    if (c.op.attributes.contains("output_shape") || rule.starts_with("SAME")) {
      const std::int64_t total = std::max<std::int64_t>(full - out[d + 2], 0);
      begin[d] = rule == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    end[d] = reached - begin[d] - out[d + 2];
    if (end[d] < 0) c.refuse("its output is larger than what the windows reach");
    cuts = cuts || begin[d] != 0 || end[d] != 0;
  }
  std::vector<std::string> arguments{std::to_string(filter.dims[1]), py_sizes(kernel)};
  if (strides != Ints{1, 1}) arguments.push_back("strides=" + py_sizes(strides));
  std::vector<LayerWeight> weights{permuted_weight("kernel", filter, {2, 3, 1, 0})};
  add_bias(c, 2, filter.dims[1], arguments, weights);
  const std::string layer =
      c.layer("deconv", py_call("layers.Conv2DTranspose", arguments).text, std::move(weights));
  const PyExpr full = applied(layer, last_operand(c, 0));
  set_channels_last(c, true);
  if (!cuts) return full;
  return applied("layers.Cropping2D(((" + py_items(Ints{begin[0], end[0]}) + "), (" +
                     py_items(Ints{begin[1], end[1]}) + ")))",
                 full);
}

/// The pads with which the windows that ceil_mode adds fit.
void extend_to_output(Call& c, Window& w) {
  const Shape& out = c.out_shape();
  if (!out.known()) c.refuse("the size of its output is not known");
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t reach = (out[d + 2] - 1) * w.strides[d] + w.kernel[d];
    w.pads[d + 2] = std::max(w.pads[d + 2], reach - c.in_shape(0)[d + 2] - w.pads[d]);
    w.none = w.none && w.pads[d + 2] == 0;
  }
}

std::string pad_text(const Window& w) {
  return "((0, 0), (" + py_items(Ints{w.pads[0], w.pads[2]}) + "), (" +
         py_items(Ints{w.pads[1], w.pads[3]}) + "), (0, 0))";
}

std::string pool_layer(const char* name, const Window& w, bool same) {
  std::vector<std::string> arguments{py_sizes(w.kernel)};
  if (w.strides != w.kernel) arguments.push_back("strides=" + py_sizes(w.strides));
  if (same) arguments.push_back("padding=\"same\"");
  return py_call(name, arguments).text;
}

template <bool kMaximum>
PyExpr pool(Call& c) {
  if (c.unit.outputs[0] != c.op.outputs[0]) c.refuse("the indices of a pooling");
  Window w(c, c.op.integers("kernel_shape").value_or(Ints{}));
  if (w.dilations != Ints{1, 1}) c.refuse("Keras has no dilated pooling");
  const bool counts = !kMaximum && c.op.integer("count_include_pad", 0) != 0;
  const Ints before = w.pads;
  if (c.op.integer("ceil_mode", 0) != 0) extend_to_output(c, w);
  const bool grew = w.pads != before;
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  const char* name = kMaximum ? "layers.MaxPooling2D" : "layers.AveragePooling2D";
  if (w.none) return applied(pool_layer(name, w, false), x);
  if (w.same && !grew && !counts) return applied(pool_layer(name, w, true), x);
  if (kMaximum) {
    const PyExpr padded =
        py_call("ops.pad", {x.text, pad_text(w), "constant_values=-float(\"inf\")"});
    return applied(pool_layer(name, w, false), padded);
  }
  if (counts) {
    if (grew) c.refuse("average pooling that counts its pads, with ceil_mode");
    return applied(pool_layer(name, w, false), applied(w.zero_padding(), x));
  }
  return py_call(c.helper("average_real"),
                 {x.text, py_tuple(w.kernel), py_tuple(w.strides), pad_text(w)});
}

template <bool kMaximum>
PyExpr global_pool(Call& c) {
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  return applied(kMaximum ? "layers.GlobalMaxPooling2D(keepdims=True)"
                          : "layers.GlobalAveragePooling2D(keepdims=True)",
                 x);
}

// Matrices ------------------------------------------------------------------------------------

/// @param out_first  the matrix is stored as [out, in]; Keras has [in, out]
PyExpr dense(Call& c, const PyExpr& x, const ConstantView& matrix, bool out_first,
             const std::optional<ConstantView>& bias) {
  const std::int64_t out = matrix.dims[out_first ? 0 : 1];
  std::vector<LayerWeight> weights{out_first ? permuted_weight("kernel", matrix, {1, 0})
                                             : plain_weight("kernel", matrix)};
  std::vector<std::string> arguments{std::to_string(out)};
  if (bias) {
    weights.push_back(reshaped_weight("bias", *bias, {out}));
  } else {
    arguments.push_back("use_bias=False");
  }
  set_channels_last(c, false);
  return applied(c.layer("fc", py_call("layers.Dense", arguments).text, std::move(weights)), x);
}

PyExpr gemm(Call& c) {
  const auto matrix = c.constant(1), bias = c.constant(2);
  const bool flip = c.op.integer("transB", 0) != 0;
  const bool layer = matrix && c.op.integer("transA", 0) == 0 && c.op.real("alpha", 1) == 1 &&
                     (!c.has(2) || (bias && c.op.real("beta", 1) == 1 &&
                                    bias->elements() == matrix->dims[flip ? 0 : 1]));
  if (!layer) c.refuse("a product that is no dense layer");
  return dense(c, c.in(0), *matrix, flip, bias);
}

PyExpr matmul(Call& c) {
  const auto matrix = c.constant(1);
  if (matrix && matrix->dims.size() == 2) {
    return dense(c, plain_operand(c, 0), *matrix, false, {});
  }
  if (!c.view.computed(c.operand(0)) || matrix) c.refuse("a product with a weight of rank 3");
  const PyExpr a = plain_operand(c, 0), b = plain_operand(c, 1);
  set_channels_last(c, false);
  return py_call("ops.matmul", {a.text, b.text});
}

// Normalisations ------------------------------------------------------------------------------

PyExpr batch_norm(Call& c) {
  if (c.unit.outputs.size() > 1 ||
      (c.view.program().opset < 9 && c.op.integer("spatial", 1) == 0)) {
    c.refuse("a batch normalisation of this form");
  }
  const bool map = c.rank(0) == 4;
  if (!map && c.rank(0) != 2) c.refuse("normalises a value of rank " + std::to_string(c.rank(0)));
  std::vector<LayerWeight> weights{plain_weight("gamma", weight_of(c, 1)),
                                   plain_weight("beta", weight_of(c, 2)),
                                   plain_weight("moving_mean", weight_of(c, 3)),
                                   plain_weight("moving_variance", weight_of(c, 4))};
  weights[2].trained = weights[3].trained = false;
  const std::string made =
      py_call("layers.BatchNormalization", {"momentum=" + py_float(c.op.real("momentum", 0.9F)),
                                            "epsilon=" + py_float(c.op.real("epsilon", 1e-5F))})
          .text;
  const PyExpr x = map ? last_operand(c, 0) : c.in(0);
  set_channels_last(c, map);
  return applied(c.layer("bn", made, std::move(weights)), x);
}

/// @param groups  -1: a group for each channel
PyExpr group_norm(Call& c, std::int64_t groups) {
  const std::int64_t channels = c.in_shape(0)[1];
  const ConstantView scale = weight_of(c, 1), bias = weight_of(c, 2);
  if (scale.elements() != channels) c.refuse("a scale for each group");
  const std::string made =
      py_call("layers.GroupNormalization", {"groups=" + std::to_string(groups),
                                            "epsilon=" + py_float(c.op.real("epsilon", 1e-5F))})
          .text;
  const PyExpr x = last_operand(c, 0);
  set_channels_last(c, true);
  return applied(c.layer("norm", made, {plain_weight("gamma", scale), plain_weight("beta", bias)}),
                 x);
}

PyExpr instance_norm(Call& c) { return group_norm(c, -1); }
PyExpr grouped_norm(Call& c) { return group_norm(c, c.op.integer("num_groups", 1)); }

PyExpr layer_norm_call(Call& c, const PyExpr& x, const LayerWeight& scale, const LayerWeight& bias,
                       float epsilon) {
  const std::string made =
      py_call("layers.LayerNormalization", {"epsilon=" + py_float(epsilon)}).text;
  set_channels_last(c, false);
  return applied(c.layer("norm", made, {scale, bias}), x);
}

PyExpr layer_norm(Call& c) {
  const std::size_t rank = c.rank(0);
  const ConstantView scale = weight_of(c, 1);
  const std::int64_t size = c.in_shape(0)[rank - 1];
  if (c.axis(c.op.integer("axis", -1), rank) + 1 != rank || scale.elements() != size) {
    c.refuse("a layer normalisation over more than the last axis");
  }
  LayerWeight bias = filled_weight("beta", size, 0);
  if (c.has(2)) bias = reshaped_weight("beta", weight_of(c, 2), {size});
  return layer_norm_call(c, plain_operand(c, 0), reshaped_weight("gamma", scale, {size}), bias,
                         c.op.real("epsilon", 1e-5F));
}

template <bool kLog>
PyExpr softmax(Call& c) {
  const bool one_axis = c.view.program().opset >= 13;
  const std::size_t rank = c.rank(0), axis = c.axis(c.op.integer("axis", one_axis ? -1 : 1), rank);
  std::int64_t behind = 1;
  for (std::size_t d = axis + 1; d < rank; ++d) behind *= c.in_shape(0)[d];
  if (!one_axis && behind != 1) c.refuse("a softmax over several axes");
  const bool last = is_channels_last(c, c.operand(0));
  constexpr std::int64_t kMoved[] = {0, 3, 1, 2};
  const std::int64_t at = last ? kMoved[axis] : static_cast<std::int64_t>(axis);
  set_channels_last(c, last);
  return py_call(kLog ? "ops.log_softmax" : "ops.softmax",
                 {c.in(0).text, "axis=" + std::to_string(at)});
}

constexpr OperatorRow kRows[] = {
    {"AveragePool", pool<false>},
    {"BatchNormalization", batch_norm},
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"Gemm", gemm},
    {"GlobalAveragePool", global_pool<false>},
    {"GlobalMaxPool", global_pool<true>},
    {"GroupNormalization", grouped_norm},
    {"InstanceNormalization", instance_norm},
    {"LayerNormalization", layer_norm},
    {"LogSoftmax", softmax<true>},
    {"MatMul", matmul},
    {"MaxPool", pool<true>},
    {"Softmax", softmax<false>},
};

/// The unit's one operand in ONNX's order, or as it is.
PyExpr idiom_operand(Call& c, bool plain) {
  const int v = c.unit.inputs[0];
  const PyExpr x = c.x();
  if (!plain || !is_channels_last(c, v)) {
    set_channels_last(c, is_channels_last(c, v));
    return x;
  }
  set_channels_last(c, false);
  return py_call("ops.transpose", {x.text, "(0, 3, 1, 2)"});
}

}  // namespace

std::span<const OperatorRow> keras_layers() { return kRows; }

PyExpr keras_idiom(Call& c) {
  const Attrs& attrs = c.view.graph().node(c.unit.node).attrs;
  switch (c.unit.idiom) {
    case OpKind::kSwish:
      return py_call("ops.silu", {idiom_operand(c, false).text});
    case OpKind::kHardSwish:
      return py_call("ops.hard_silu", {idiom_operand(c, false).text});
    case OpKind::kMish:
      return py_call("keras.activations.mish", {idiom_operand(c, false).text});
    case OpKind::kGelu:
      return py_call("ops.gelu", {idiom_operand(c, false).text,
                                  "approximate=" + py_bool(attrs.text == "tanh")});
    case OpKind::kLayerNorm: {
      const Shape& shape = c.view.shape(c.unit.inputs[0]);
      const std::int64_t size = shape[static_cast<std::size_t>(shape.rank()) - 1];
      const auto scale = idiom_weight(c, "Mul", size), bias = idiom_weight(c, "Add", size);
      if (!scale || !bias) c.refuse("a layer normalisation whose weights are computed");
      return layer_norm_call(c, idiom_operand(c, true), reshaped_weight("gamma", *scale, {size}),
                             reshaped_weight("beta", *bias, {size}), attrs.epsilon);
    }
    case OpKind::kDense: {
      const auto bias = idiom_weight(c, "Add", attrs.out_channels), matrix = idiom_matrix(c);
      if (!matrix || !bias) c.refuse("weights that are computed");
      return dense(c, idiom_operand(c, true), *matrix, false, bias);
    }
    default:
      c.refuse("an idiom without a form in Keras");
  }
}

}  // namespace autogo
