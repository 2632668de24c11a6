// The operator table written as ONNX, in the model's opset. Operators that a given opset lacks are
// spelled with older ones (GELU by Erf, hard swish by HardSigmoid, layer normalisation by means);
// what cannot be spelled is refused.
//
// Padding by rule (kSame) is resolved into explicit pads, and so is the rounding up of pooling
// windows: the same arithmetic as the shape rules, and nothing that implementations read
// differently. New weights: He normal for products, ones and zeros for normalisations and biases.
//
// Tested by tests/onnx/export_ops_test.cc, in every opset with the ONNX checker, and in ONNX
// Runtime.

#include <cmath>
#include <numeric>

#include "autogo/base/error.h"
#include "autogo/graph/window.h"
#include "export_activations.h"
#include "model_writer.h"
#include "onnx/attributes.h"

namespace autogo {
namespace {

class OpWriter : private ActivationWriter {
 public:
  using ActivationWriter::ActivationWriter;

  void write() {
    using enum OpKind;
    if (!attrs_.ints.empty() && (op_ == kConv || op_ == kMaxPool || op_ == kAdd)) {
      truncate_operands(attrs_.ints[0]);
    }
    const OpInfo& row = op_info(op_);
    const bool has_type = op_ != kCelu || in_.dtype == DType::kFloat32;  // ONNX has no other Celu
    if (row.onnx != nullptr && w_.opset() >= row.onnx_since && has_type) {
      return as_the_table_says(row);
    }
    switch (op_) {
      case kConv:
      case kDepthwiseConv:
        return conv();
      case kConvTranspose:
        return conv_transpose();
      case kDense:
        return dense();
      case kLayerNorm:
        return layer_norm();
      case kRelu6:
        return clip(x(), output_, 0, 6);
      case kPRelu:
        return prelu();
      case kSwish:
        return swish(x(), output_);
      case kCelu:
        return celu();
      case kHardSwish:
        return hard_swish(x(), output_);
      case kGelu:
        return gelu(x(), output_);
      case kMish:
        return mish();
      case kSoftmax:
        return softmax("Softmax");
      case kLogSoftmax:
        return softmax("LogSoftmax");
      case kAttention:
        return attention();
      case kSqueezeExcite:
        return squeeze_excite();
      case kScale:
        return scale();
      case kAdd:
        return sum();
      case kConcat:
        set_attribute(emit("Concat"), "axis", std::int64_t{attrs_.axis});
        return;
      case kMaxPool:
      case kAvgPool:
        return pool();
      case kResize:
        return resize();
      case kDepthToSpace:
        return depth_to_space();
      case kSpaceToDepth:
        set_attribute(emit("SpaceToDepth"), "blocksize", std::int64_t{attrs_.block});
        return;
      case kPad:
        return pad();
      case kZero:
        node("Mul", "", {x(), scalar("zero", 0)}, output_);
        return;
      case kFlatten:
        set_attribute(emit("Flatten"), "axis", std::int64_t{attrs_.axis});
        return;
      case kReshape:
        return reshape();
      case kTranspose:
        set_attribute(emit("Transpose"), "perm", attrs_.ints);
        return;
      case kReduceMean:
        mean(x(), output_, attrs_.ints, attrs_.axis == 1, "");
        return;
      default:
        refuse(std::string("a new ") + op_name(op_));
    }
  }

 private:
  /// One ONNX operator of the same inputs, weights of its channels, and scalars.
  void as_the_table_says(const OpInfo& row) {
    std::vector<std::string> inputs = inputs_;
    for (const ChannelWeight& w : row.channel_weights) {
      if (w.name == nullptr) break;
      inputs.push_back(filled(w.name, {in_.shape[1]}, static_cast<double>(w.initial)));
    }
    onnx::NodeProto& proto = node(row.onnx, "", inputs, output_);
    if (row.has_alpha) set_attribute(proto, "alpha", attrs_.alpha);
    if (row.has_beta) set_attribute(proto, "beta", attrs_.beta);
    if (row.has_epsilon) set_attribute(proto, "epsilon", attrs_.epsilon);
  }

  void set_pair(onnx::NodeProto& proto, const char* name, const std::array<std::int32_t, 2>& pair) {
    set_attribute(proto, name, Ints{pair[0], pair[1]});
  }

  /// The first channels of wider operands, for NAS-Bench-101's consumers.
  void truncate_operands(std::int64_t channels) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (operand_channels_[i] == channels) continue;
      const std::string part = "truncated" + std::to_string(i);
      const std::string result = value(part);
      if (w_.opset() >= 10) {
        node("Slice", part,
             {inputs_[i], w_.add_ints(name_ + "." + part + ".starts", {0}),
              w_.add_ints(name_ + "." + part + ".ends", {channels}),
              w_.add_ints(name_ + "." + part + ".axes", {1})},
             result);
      } else {
        onnx::NodeProto& proto = node("Slice", part, {inputs_[i]}, result);
        set_attribute(proto, "axes", Ints{1});
        set_attribute(proto, "starts", Ints{0});
        set_attribute(proto, "ends", Ints{channels});
      }
      inputs_[i] = result;
    }
    in_.shape[1] = channels;
  }

  void conv() {
    const std::int64_t channels = in_.shape[1];
    const std::int64_t group = op_ == OpKind::kDepthwiseConv ? channels : attrs_.group;
    const Ints dims{attrs_.out_channels, channels / group, attrs_.kernel[0], attrs_.kernel[1]};
    std::vector<std::string> inputs{x(),
                                    weight("weight", dims, he_normal(dims[1] * dims[2] * dims[3]))};
    if (attrs_.bias) inputs.push_back(filled("bias", {attrs_.out_channels}, 0));
    onnx::NodeProto& proto = node("Conv", "", inputs, output_);
    const auto rows = window_pads(in_.shape[2], attrs_, 0),
               columns = window_pads(in_.shape[3], attrs_, 1);
    set_pair(proto, "dilations", attrs_.dilation);
    set_attribute(proto, "group", group);
    set_pair(proto, "kernel_shape", attrs_.kernel);
    set_attribute(proto, "pads", Ints{rows[0], columns[0], rows[1], columns[1]});
    set_pair(proto, "strides", attrs_.stride);
  }

  void conv_transpose() {
    const std::int64_t channels = in_.shape[1];
    const Ints dims{channels, attrs_.out_channels / attrs_.group, attrs_.kernel[0],
                    attrs_.kernel[1]};
    const std::int64_t overlap = std::int64_t{attrs_.stride[0]} * attrs_.stride[1];
    std::vector<std::string> inputs{
        x(),
        weight("weight", dims, he_normal(channels / attrs_.group * dims[2] * dims[3] / overlap))};
    if (attrs_.bias) inputs.push_back(filled("bias", {attrs_.out_channels}, 0));
    Ints pads{attrs_.pads[0], attrs_.pads[1], attrs_.pads[2], attrs_.pads[3]};
    Ints extra{attrs_.output_padding[0], attrs_.output_padding[1]};
    if (attrs_.padding != Padding::kExplicit) {
      for (const std::size_t d : {0U, 1U}) {  // the output is input x stride: cut what is over
        const std::int64_t extent = window_axis(attrs_, static_cast<int>(d)).extent();
        const std::int64_t over = std::max<std::int64_t>(extent - attrs_.stride[d], 0);
        extra[d] = std::max<std::int64_t>(attrs_.stride[d] - extent, 0);
        const bool upper = attrs_.padding == Padding::kSame;
        pads[d] = upper ? over / 2 : over - over / 2;
        pads[d + 2] = over - pads[d];
      }
    }
    onnx::NodeProto& proto = node("ConvTranspose", "", inputs, output_);
    set_pair(proto, "dilations", attrs_.dilation);
    set_attribute(proto, "group", std::int64_t{attrs_.group});
    set_pair(proto, "kernel_shape", attrs_.kernel);
    set_attribute(proto, "output_padding", extra);
    set_attribute(proto, "pads", pads);
    set_pair(proto, "strides", attrs_.stride);
  }

  void dense() {
    const auto rank = static_cast<std::size_t>(in_.shape.rank());
    const std::int64_t features = in_.shape[rank - 1], units = attrs_.out_channels;
    if (rank == 2) {
      std::vector<std::string> inputs{x(),
                                      weight("weight", {units, features}, he_normal(features))};
      // Bias is a required input of Gemm before opset 11.
      if (attrs_.bias || w_.opset() < 11) inputs.push_back(filled("bias", {units}, 0));
      set_attribute(node("Gemm", "", inputs, output_), "transB", std::int64_t{1});
      return;
    }
    const std::string weights = weight("weight", {features, units}, he_normal(features));
    if (!attrs_.bias) {
      node("MatMul", "", {x(), weights}, output_);
      return;
    }
    const std::string product = step("MatMul", "matmul", {x(), weights});
    node("Add", "", {product, filled("bias", {units}, 0)}, output_);
  }

  void celu() {
    const std::string alpha = scalar("alpha", static_cast<double>(attrs_.alpha));
    const std::string scaled = step("Div", "scaled", {x(), alpha});
    node("Mul", "", {step("Elu", "elu", {scaled}), alpha}, output_);
  }

  void scale() {
    const std::int32_t rank = in_.shape.rank();
    const std::int32_t axis = attrs_.axis < 0 ? attrs_.axis + rank : attrs_.axis;
    Ints dims(static_cast<std::size_t>(rank - axis), 1);
    dims[0] = in_.shape[static_cast<std::size_t>(axis)];
    node("Mul", "", {x(), filled("scale", dims, 1)}, output_);
  }

  void layer_norm() {
    const Ints dims{in_.shape[static_cast<std::size_t>(in_.shape.rank()) - 1]};
    const std::string scale = filled("scale", dims, 1), bias = filled("bias", dims, 0);
    if (w_.opset() >= 17) {
      onnx::NodeProto& proto = node("LayerNormalization", "", {x(), scale, bias}, output_);
      set_attribute(proto, "axis", std::int64_t{-1});
      set_attribute(proto, "epsilon", attrs_.epsilon);
      return;
    }
    const std::string average = value("mean");
    mean(x(), average, {-1}, true, "mean");
    const std::string centred = step("Sub", "centred", {x(), average});
    const std::string square = step("Mul", "square", {centred, centred});
    const std::string variance = value("variance");
    mean(square, variance, {-1}, true, "variance");
    const std::string safe =
        step("Add", "safe", {variance, scalar("epsilon", static_cast<double>(attrs_.epsilon))});
    const std::string deviation = step("Sqrt", "deviation", {safe});
    const std::string normal = step("Div", "normal", {centred, deviation});
    const std::string scaled = step("Mul", "scaled", {normal, scale});
    node("Add", "", {scaled, bias}, output_);
  }

  void mean(const std::string& input, const std::string& output, Ints axes, bool keep,
            const std::string& part) {
    const auto rank = static_cast<std::int64_t>(in_.shape.rank());
    for (std::int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
    const bool as_input = w_.opset() >= 18;
    std::vector<std::string> inputs{input};
    if (as_input && !axes.empty()) inputs.push_back(w_.add_ints(name_ + ".axes", axes));
    onnx::NodeProto& proto = node("ReduceMean", part, inputs, output);
    if (!as_input && !axes.empty()) set_attribute(proto, "axes", axes);
    set_attribute(proto, "keepdims", std::int64_t{keep ? 1 : 0});
  }

  std::string reshaped(const std::string& part, const std::string& input, const Ints& dims) {
    return step("Reshape", part, {input, w_.add_ints(name_ + "." + part + ".shape", dims)});
  }

  std::string permuted(const std::string& part, const std::string& input, const Ints& order) {
    const std::string result = value(part);
    set_attribute(node("Transpose", part, {input}, result), "perm", order);
    return result;
  }

  /// A projection of the last axis. @param output  its name; empty: one of its own
  std::string linear(const std::string& part, const std::string& input, std::int64_t from,
                     std::int64_t to, const std::string& output = "") {
    const std::string matrix = weight(part + ".weight", {from, to}, he_normal(from));
    const std::string result = output.empty() ? value(part) : output;
    if (!attrs_.bias) {
      node("MatMul", part, {input, matrix}, result);
    } else {
      const std::string product = step("MatMul", part + ".matmul", {input, matrix});
      node("Add", part, {product, filled(part + ".bias", {to}, 0)}, result);
    }
    return result;
  }

  void attention() {
    const bool map = in_.layout == Layout::kChannelsFirst;
    if (inputs_.size() != 1 || !attrs_.text.empty()) refuse("a new attention with masks");
    if (attrs_.axis != token_axis(in_))
      refuse("a new attention over axis " + std::to_string(attrs_.axis));
    const auto dims = in_.shape.dims();
    const std::int64_t channels = map ? dims[1] : dims.back();
    Ints tokens(dims.begin(), dims.end() - 1);  // all but the channels
    if (map) tokens = {dims[0], dims[2] * dims[3]};
    tokens[0] = 0;  // as it comes
    std::string x = this->x();
    if (map) x = permuted("tokens", reshaped("places", x, {0, channels, tokens[1]}), {0, 2, 1});
    const std::int64_t inner = std::int64_t{attrs_.group} * attrs_.block;
    Ints heads = tokens, joined = tokens;
    heads.insert(heads.end(), {attrs_.group, attrs_.block});
    joined.push_back(inner);
    Ints order(tokens.size() - 1);
    std::iota(order.begin(), order.end(), 0);
    const auto t = static_cast<std::int64_t>(order.size()), h = t + 1, d = t + 2;
    auto by_head = [&](const std::string& part, Ints last) {
      last.insert(last.begin(), order.begin(), order.end());
      const std::string all = linear(part, x, channels, inner);
      return permuted(part + ".by_head", reshaped(part + ".heads", all, heads), last);
    };
    const std::string q = by_head("query", {h, t, d}), k = by_head("key", {h, d, t});
    const std::string v = by_head("value", {h, t, d});
    const std::string scale = scalar("scale", 1 / std::sqrt(static_cast<double>(attrs_.block)));
    const std::string scores = step("MatMul", "scores", {step("Mul", "scaled", {q, scale}), k});
    const std::string shares = value("shares");
    set_attribute(node("Softmax", "softmax", {scores}, shares), "axis", d);
    Ints back = order;
    back.insert(back.end(), {h, t, d});
    const std::string mixed = permuted("by_token", step("MatMul", "mix", {shares, v}), back);
    const std::string out = linear("out", reshaped("joined", mixed, joined), inner,
                                   attrs_.out_channels, map ? "" : output_);
    if (!map) return;
    const Ints places{0, out_.shape[1], out_.shape[2], out_.shape[3]};
    node("Reshape", "",
         {permuted("channels", out, {0, 2, 1}), w_.add_ints(name_ + ".shape", places)}, output_);
  }

  void squeeze_excite() {
    const std::size_t comma = attrs_.text.find(',');
    const std::string act = attrs_.text.empty() ? "relu" : attrs_.text.substr(0, comma);
    const std::string gate = comma == std::string::npos ? "sigmoid" : attrs_.text.substr(comma + 1);
    const std::int64_t channels = in_.shape[1], squeezed = attrs_.out_channels;
    const std::string average = step("GlobalAveragePool", "mean", {x()});
    const std::string reduced = pointwise("reduce", average, squeezed, channels);
    const std::string active = value("act");
    activation(act, reduced, active);
    const std::string expanded = pointwise("expand", active, channels, squeezed);
    const std::string weights = value("gate");
    if (gate == "hard_sigmoid") {
      const bool given = attrs_.alpha != 0;
      hard_sigmoid(expanded, weights, given ? attrs_.alpha : 0.2F, given ? attrs_.beta : 0.5F,
                   "hard_sigmoid");
    } else if (gate == "sigmoid") {
      node("Sigmoid", "sigmoid", {expanded}, weights);
    } else {
      refuse("squeeze-excite with the gate '" + gate + "'");
    }
    node("Mul", "", {x(), weights}, output_);
  }

  std::string pointwise(const std::string& part, const std::string& input, std::int64_t to,
                        std::int64_t from) {
    std::vector<std::string> inputs{input,
                                    weight(part + ".weight", {to, from, 1, 1}, he_normal(from))};
    if (attrs_.bias) inputs.push_back(filled(part + ".bias", {to}, 0));
    std::string result = value(part);
    set_attribute(node("Conv", part, inputs, result), "kernel_shape", Ints{1, 1});
    return result;
  }

  void sum() { emit(inputs_.size() == 2 ? "Add" : "Sum"); }

  void pool() {
    const bool average = op_ == OpKind::kAvgPool;
    onnx::NodeProto& proto = emit(average ? "AveragePool" : "MaxPool");
    Ints pads(4);
    bool ceil = false;
    for (const int dim : {0, 1}) {
      const auto d = static_cast<std::size_t>(dim);
      const auto [begin, end] = window_pads(in_.shape[d + 2], attrs_, dim);
      const std::int64_t reach =
          (out_.shape[d + 2] - 1) * attrs_.stride[d] + window_axis(attrs_, dim).extent();
      const std::int64_t rest =
          attrs_.ceil_mode ? std::max<std::int64_t>(reach - in_.shape[d + 2] - begin - end, 0) : 0;
      // Padding of a whole window is not allowed, and counted padding must stay what it is.
      if (rest > 0 && (end + rest >= attrs_.kernel[d] || attrs_.count_include_pad)) ceil = true;
      pads[d] = begin;
      pads[d + 2] = end + (ceil ? 0 : rest);
    }
    if (ceil) {
      if (w_.opset() < 10) refuse("pooling with ceil_mode");
      pads = {attrs_.pads[0], attrs_.pads[1], attrs_.pads[2], attrs_.pads[3]};
      set_attribute(proto, "ceil_mode", std::int64_t{1});
    }
    if (average && attrs_.count_include_pad)
      set_attribute(proto, "count_include_pad", std::int64_t{1});
    if (attrs_.dilation != std::array<std::int32_t, 2>{1, 1}) {
      if (w_.opset() < (average ? 19 : 10)) refuse("dilated pooling");
      set_pair(proto, "dilations", attrs_.dilation);
    }
    set_pair(proto, "kernel_shape", attrs_.kernel);
    set_attribute(proto, "pads", pads);
    set_pair(proto, "strides", attrs_.stride);
  }

  void resize() {
    const std::string mode = attrs_.text.empty() ? "nearest" : attrs_.text;
    const std::vector<double> scales{1, 1, static_cast<double>(attrs_.stride[0]),
                                     static_cast<double>(attrs_.stride[1])};
    if (w_.opset() < 9) {
      if (mode == "cubic") refuse("cubic resizing");
      onnx::NodeProto& proto = node("Upsample", "", {x()}, output_);
      set_attribute(proto, "mode", mode);
      onnx::AttributeProto& attribute = *proto.add_attribute();
      attribute.set_name("scales");
      attribute.set_type(onnx::AttributeProto::FLOATS);
      for (const double s : scales) attribute.add_floats(static_cast<float>(s));
      return;
    }
    const std::string factors =
        w_.add_constant(name_ + ".scales", {DType::kFloat32, {4}, {}, scales});
    if (w_.opset() < 11) {
      if (mode == "cubic") refuse("cubic resizing");
      onnx::NodeProto& proto =
          node(w_.opset() == 9 ? "Upsample" : "Resize", "", {x(), factors}, output_);
      set_attribute(proto, "mode", mode);
      return;
    }
    const std::string roi =
        w_.opset() >= 13 ? "" : w_.add_constant(name_ + ".roi", {DType::kFloat32, {0}, {}, {}});
    onnx::NodeProto& proto = node("Resize", "", {x(), roi, factors}, output_);
    if (mode == "nearest") {
      set_attribute(proto, "coordinate_transformation_mode", std::string("asymmetric"));
      set_attribute(proto, "nearest_mode", std::string("floor"));
    }
    set_attribute(proto, "mode", mode);
  }

  void depth_to_space() {
    const std::int64_t b = attrs_.block;
    const bool by_column = attrs_.text == "CRD";
    if (w_.opset() >= 11 || !by_column) {
      onnx::NodeProto& proto = emit("DepthToSpace");
      set_attribute(proto, "blocksize", b);
      if (by_column) set_attribute(proto, "mode", std::string("CRD"));
      return;
    }
    const Shape& s = in_.shape;  // a batch of 0 copies the input's, so that it may be dynamic
    const std::string wide =
        step("Reshape", "blocks",
             {x(), w_.add_ints(name_ + ".blocks", {0, s[1] / (b * b), b, b, s[2], s[3]})});
    const std::string turned = value("turned");
    set_attribute(node("Transpose", "turn", {wide}, turned), "perm", Ints{0, 1, 4, 2, 5, 3});
    node("Reshape", "",
         {turned, w_.add_ints(name_ + ".shape", {0, s[1] / (b * b), s[2] * b, s[3] * b})}, output_);
  }

  void pad() {
    const auto& p = attrs_.pads;
    const Ints pads{0, 0, p[0], p[1], 0, 0, p[2], p[3]};
    if (w_.opset() >= 11) {
      node("Pad", "", {x(), w_.add_ints(name_ + ".pads", pads)}, output_);
    } else {
      set_attribute(emit("Pad"), "pads", pads);
    }
  }

  void reshape() {
    onnx::NodeProto& proto =
        node("Reshape", "", {x(), w_.add_ints(name_ + ".shape", attrs_.ints)}, output_);
    if (attrs_.axis == 1) return;
    if (w_.opset() < 14) refuse("reshape to a dimension of 0");
    set_attribute(proto, "allowzero", std::int64_t{1});
  }
};

}  // namespace

void write_new_node(ModelWriter& writer, const Graph& graph, NodeId id,
                    const std::vector<std::string>& inputs, const std::string& output) {
  OpWriter(writer, graph, id, inputs, output).write();
}

}  // namespace autogo
