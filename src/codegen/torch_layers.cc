// Convolutions, pooling, matrix products and idioms in PyTorch.
//
// ONNX pads each side by its own amount; PyTorch's layers pad both alike, so uneven pads become an
// F.pad of the operand. Averages that do not count padding then go through a helper that divides by
// the number of real cells.
//
// Tested by tests/codegen/operators_test.cc.

#include <algorithm>

#include "torch_ops.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

Ints begins(const Ints& pads) {
  return Ints(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(pads.size() / 2));
}

bool all(const Ints& list, std::int64_t value) {
  return std::ranges::all_of(list, [value](std::int64_t v) { return v == value; });
}

/// `name=value` unless the value is the default.
void add_option(std::vector<std::string>& arguments, const char* name, const Ints& values,
                std::int64_t usual) {
  if (!all(values, usual)) arguments.push_back(std::string(name) + "=" + py_sizes(values));
}

Ints spatial(const ConstantView& filter) {
  return Ints(filter.dims.begin() + 2, filter.dims.end());
}

void require_rank(const Call& c, std::size_t rank) {
  if (rank < 1 || rank > 3) c.refuse("windows of " + std::to_string(rank) + " dimensions");
}

/// Attributes of a filter that is computed, as keywords of the function.
PyExpr functional_conv(Call& c) {
  const std::size_t rank = c.rank(1) - 2;
  require_rank(c, rank);
  Ints kernel;
  for (std::size_t d = 0; d < rank; ++d) kernel.push_back(c.in_shape(1)[d + 2]);
  const Ints pads = window_pads_of(c, kernel);
  std::string x = c.in(0).text;
  if (!symmetric_pads(pads)) x = py_call("F.pad", {x, torch_pads(pads)}).text;
  std::vector<std::string> arguments{x, c.in(1).text};
  if (c.has(2)) arguments.push_back(c.in(2).text);
  add_option(arguments, "stride", window_list(c, "strides", rank, 1), 1);
  if (symmetric_pads(pads)) add_option(arguments, "padding", begins(pads), 0);
  add_option(arguments, "dilation", window_list(c, "dilations", rank, 1), 1);
  add_option(arguments, "groups", {c.op.integer("group", 1)}, 1);
  return py_call("F.conv" + torch_dimension(rank), arguments);
}

PyExpr conv(Call& c) {
  const auto filter = c.constant(1);
  const auto bias = c.constant(2);
  if (!filter || (c.has(2) && !bias)) return functional_conv(c);
  const std::size_t rank = filter->dims.size() - 2;
  require_rank(c, rank);
  const Ints kernel = spatial(*filter), pads = window_pads_of(c, kernel);
  const std::int64_t group = c.op.integer("group", 1);
  std::vector<std::string> arguments{std::to_string(filter->dims[1] * group),
                                     std::to_string(filter->dims[0]), py_sizes(kernel)};
  add_option(arguments, "stride", window_list(c, "strides", rank, 1), 1);
  const bool even = symmetric_pads(pads);
  if (even) add_option(arguments, "padding", begins(pads), 0);
  add_option(arguments, "dilation", window_list(c, "dilations", rank, 1), 1);
  add_option(arguments, "groups", {group}, 1);
  std::vector<LayerWeight> weights{plain_weight("weight", *filter)};
  if (bias) {
    weights.push_back(reshaped_weight("bias", *bias, {filter->dims[0]}));
  } else {
    arguments.push_back("bias=False");
  }
  const std::string layer = c.layer(
      "conv", py_call("nn.Conv" + torch_dimension(rank), arguments).text, std::move(weights));
  std::string x = c.in(0).text;
  if (!even) x = py_call("F.pad", {x, torch_pads(pads)}).text;
  return py_call(layer, {x});
}

/// Pads of a transposed convolution cut its output. Uneven cuts are made afterwards, by negative
/// padding.
PyExpr conv_transpose(Call& c) {
  const auto filter = c.constant(1);
  const auto bias = c.constant(2);
  if (!filter || (c.has(2) && !bias)) c.refuse("its filter is computed, expected a weight");
  const std::size_t rank = filter->dims.size() - 2;
  require_rank(c, rank);
  const Ints kernel = spatial(*filter), strides = window_list(c, "strides", rank, 1);
  const Ints dilations = window_list(c, "dilations", rank, 1);
  const std::int64_t group = c.op.integer("group", 1);
  const Shape& in = c.in_shape(0);
  const Shape& out = c.out_shape();
  Ints pads = c.op.integers("pads").value_or(Ints(2 * rank, 0));
  Ints extra = window_list(c, "output_padding", rank, 0);
  const std::string rule = c.op.text("auto_pad", "NOTSET");
  if (rule == "VALID") pads.assign(2 * rank, 0);
  if (c.op.attributes.contains("output_shape") || rule.starts_with("SAME")) {
    for (std::size_t d = 0; d < rank; ++d) {
      if (!in.known() || !out.known()) c.refuse("the size of its output is not known");
      const std::int64_t extent = dilations[d] * (kernel[d] - 1) + 1;
      std::int64_t total = strides[d] * (in[d + 2] - 1) + extra[d] + extent - out[d + 2];
      if (total < 0) extra[d] -= total;
      total = std::max<std::int64_t>(total, 0);
      pads[d] = rule == "SAME_UPPER" ? total / 2 : total - total / 2;
      pads[d + rank] = total - pads[d];
    }
  }
  bool even = symmetric_pads(pads);
  for (std::size_t d = 0; d < rank; ++d) {
    even = even && (extra[d] == 0 || extra[d] < std::max(strides[d], dilations[d]));
  }
  std::vector<std::string> arguments{std::to_string(filter->dims[0]),
                                     std::to_string(filter->dims[1] * group), py_sizes(kernel)};
  add_option(arguments, "stride", strides, 1);
  if (even) {
    add_option(arguments, "padding", begins(pads), 0);
    add_option(arguments, "output_padding", extra, 0);
  }
  add_option(arguments, "groups", {group}, 1);
  std::vector<LayerWeight> weights{plain_weight("weight", *filter)};
  if (bias) {
    weights.push_back(plain_weight("bias", *bias));
  } else {
    arguments.push_back("bias=False");
  }
  add_option(arguments, "dilation", dilations, 1);
  const std::string layer =
      c.layer("deconv", py_call("nn.ConvTranspose" + torch_dimension(rank), arguments).text,
              std::move(weights));
  const PyExpr full = py_call(layer, {c.in(0).text});
  if (even) return full;
  Ints change(2 * rank);
  for (std::size_t d = 0; d < rank; ++d) {
    change[d] = -pads[d];
    change[d + rank] = extra[d] - pads[d + rank];
    if (change[d + rank] > 0) c.refuse("its output is larger than what the windows reach");
  }
  return py_call("F.pad", {full.text, torch_pads(change)});
}

/// What pools share. PyTorch pads by at most half a window, alike on both sides.
struct Pool {
  std::size_t rank;
  Ints kernel, strides, dilations, pads;
  bool ceil, plain;

  explicit Pool(const Call& c) {
    kernel = c.op.integers("kernel_shape").value_or(Ints{});
    rank = kernel.size();
    require_rank(c, rank);
    strides = window_list(c, "strides", rank, 1);
    dilations = window_list(c, "dilations", rank, 1);
    pads = window_pads_of(c, kernel);
    ceil = c.op.integer("ceil_mode", 0) != 0;
    plain = symmetric_pads(pads);
    for (std::size_t d = 0; d < rank; ++d) plain = plain && 2 * pads[d] <= kernel[d];
  }
  std::vector<std::string> options(const std::string& x) const {
    std::vector<std::string> arguments{x, py_sizes(kernel)};
    if (strides != kernel) arguments.push_back("stride=" + py_sizes(strides));
    if (plain) add_option(arguments, "padding", begins(pads), 0);
    add_option(arguments, "dilation", dilations, 1);
    if (ceil) arguments.push_back("ceil_mode=True");
    return arguments;
  }
};

PyExpr max_pool(Call& c) {
  if (c.unit.outputs.size() > 1 || c.unit.outputs[0] != c.op.outputs[0]) {
    c.refuse("the indices of a maximum pooling cannot be exported");
  }
  if (is_whole(c.in_type(0))) c.refuse("PyTorch does not pool integers");
  const Pool pool(c);
  std::string x = c.in(0).text;
  if (!pool.plain) x = py_call("F.pad", {x, torch_pads(pool.pads), "value=-float(\"inf\")"}).text;
  return py_call("F.max_pool" + torch_dimension(pool.rank), pool.options(x));
}

PyExpr average_pool(Call& c) {
  const Pool pool(c);
  const bool counts = c.op.integer("count_include_pad", 0) != 0;
  if (!all(pool.dilations, 1)) c.refuse("dilated average pooling has no form in PyTorch");
  const std::string function = "F.avg_pool" + torch_dimension(pool.rank);
  if (pool.plain) {
    std::vector<std::string> arguments = pool.options(c.in(0).text);
    if (!counts && !all(pool.pads, 0)) arguments.push_back("count_include_pad=False");
    return py_call(function, arguments);
  }
  if (pool.ceil) c.refuse("average pooling with uneven pads and ceil_mode has no form in PyTorch");
  if (counts) {
    return py_call(function,
                   pool.options(py_call("F.pad", {c.in(0).text, torch_pads(pool.pads)}).text));
  }
  if (pool.rank != 2) c.refuse("uneven average pooling over other than two dimensions");
  return py_call(c.helper("average_real"), {c.in(0).text, py_tuple(pool.kernel),
                                            py_tuple(pool.strides), torch_pads(pool.pads)});
}

template <bool kMaximum>
PyExpr global_pool(Call& c) {
  const std::size_t rank = c.rank(0);
  const std::string name = kMaximum ? "max" : "avg";
  if (rank >= 3 && rank <= 5) {
    return py_call("F.adaptive_" + name + "_pool" + torch_dimension(rank - 2), {c.in(0).text, "1"});
  }
  c.refuse("global pooling of a value of rank " + std::to_string(rank));
}

// Matrices ------------------------------------------------------------------------------------

/// @param out_first  the matrix is stored as [out, in], as nn.Linear has it
PyExpr linear(Call& c, const PyExpr& x, const ConstantView& matrix, bool out_first,
              const std::optional<ConstantView>& bias) {
  const std::int64_t out = matrix.dims[out_first ? 0 : 1], in = matrix.dims[out_first ? 1 : 0];
  std::vector<LayerWeight> weights{out_first ? plain_weight("weight", matrix)
                                             : permuted_weight("weight", matrix, {1, 0})};
  std::vector<std::string> arguments{std::to_string(in), std::to_string(out)};
  if (!bias) arguments.push_back("bias=False");
  if (bias) weights.push_back(reshaped_weight("bias", *bias, {out}));
  return py_call(c.layer("fc", py_call("nn.Linear", arguments).text, std::move(weights)), {x.text});
}

PyExpr gemm(Call& c) {
  const bool flip_a = c.op.integer("transA", 0) != 0, flip_b = c.op.integer("transB", 0) != 0;
  const float alpha = c.op.real("alpha", 1), beta = c.op.real("beta", 1);
  const auto matrix = c.constant(1), bias = c.constant(2);
  const bool layer = matrix && !flip_a && alpha == 1 && (!c.has(2) || (bias && beta == 1)) &&
                     matrix->floating() &&
                     (!bias || (bias->elements() == matrix->dims[flip_b ? 0 : 1] &&
                                !bias->dims.empty() && bias->dims.back() == bias->elements()));
  if (layer) return linear(c, c.in(0), *matrix, flip_b, bias);
  const PyExpr a = flip_a ? py_method(c.in(0), "t") : c.in(0);
  const PyExpr b = flip_b ? py_method(c.in(1), "t") : c.in(1);
  PyExpr product = py_infix({a, b}, "@");
  const bool whole = is_whole(c.type());
  if (whole && (alpha != 1 || beta != 1)) c.refuse("factors of a product of integers");
  if (alpha != 1) product = py_infix({{py_float(alpha)}, product}, "*");
  if (!c.has(2)) return product;
  const PyExpr rest = beta == 1 ? c.in(2) : py_infix({{py_float(beta)}, c.in(2)}, "*");
  return py_infix({product, rest}, "+");
}

PyExpr matmul(Call& c) {
  const auto matrix = c.constant(1);
  if (matrix && matrix->floating() && matrix->dims.size() == 2)
    return linear(c, c.in(0), *matrix, false, {});
  const PyExpr a = c.in(0);
  return py_infix({a, c.in(1)}, "@");
}

PyExpr einsum(Call& c) {
  std::vector<std::string> arguments{py_string(c.op.text("equation", ""))};
  for (std::size_t i = 0; i < c.op.inputs.size(); ++i) arguments.push_back(c.in(i).text);
  return py_call("torch.einsum", arguments);
}

constexpr OperatorRow kRows[] = {
    {"AveragePool", average_pool},
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
    {"Einsum", einsum},
    {"Gemm", gemm},
    {"GlobalAveragePool", global_pool<false>},
    {"GlobalMaxPool", global_pool<true>},
    {"MatMul", matmul},
    {"MaxPool", max_pool},
};

PyExpr idiom_layer_norm(Call& c) {
  const Shape& shape = c.view.shape(c.unit.inputs[0]);
  const std::int64_t size = shape[static_cast<std::size_t>(shape.rank()) - 1];
  const auto scale = idiom_weight(c, "Mul", size), bias = idiom_weight(c, "Add", size);
  if (!scale || !bias) c.refuse("a layer normalisation whose weights are computed");
  std::vector<std::string> arguments{std::to_string(size)};
  const float epsilon = c.view.graph().node(c.unit.node).attrs.epsilon;
  if (epsilon != 1e-5F) arguments.push_back("eps=" + py_float(epsilon));
  const std::string layer =
      c.layer("norm", py_call("nn.LayerNorm", arguments).text,
              {reshaped_weight("weight", *scale, {size}), reshaped_weight("bias", *bias, {size})});
  return py_call(layer, {c.x().text});
}

PyExpr idiom_dense(Call& c) {
  const std::int64_t out = c.view.graph().node(c.unit.node).attrs.out_channels;
  const auto bias = idiom_weight(c, "Add", out);
  const auto matrix = idiom_matrix(c);
  if (!matrix || !bias) c.refuse("weights that are computed");
  return linear(c, c.x(), *matrix, false, bias);
}

}  // namespace

std::span<const OperatorRow> torch_layers() { return kRows; }

PyExpr torch_idiom(Call& c) {
  switch (c.unit.idiom) {
    case OpKind::kSwish:
      return py_call("F.silu", {c.x().text});
    case OpKind::kHardSwish:
      return py_call("F.hardswish", {c.x().text});
    case OpKind::kMish:
      return py_call("F.mish", {c.x().text});
    case OpKind::kGelu: {
      std::vector<std::string> arguments{c.x().text};
      if (c.view.graph().node(c.unit.node).attrs.text == "tanh") {
        arguments.push_back("approximate=\"tanh\"");
      }
      return py_call("F.gelu", arguments);
    }
    case OpKind::kLayerNorm:
      return idiom_layer_norm(c);
    case OpKind::kDense:
      return idiom_dense(c);
    default:
      c.refuse("an idiom without a form in PyTorch");
  }
}

}  // namespace autogo
