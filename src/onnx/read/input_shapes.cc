#include <algorithm>
#include <vector>

#include "autogo/base/error.h"
#include "onnx/attributes.h"
#include "onnx/import/analysis.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

/// Gives the network inputs their sizes.
class InputShapes {
 public:
  InputShapes(ModelSource& source, const ImportOptions& options)
      : source_(source), options_(options) {}

  SymbolSizes assign() {
    collect();
    check_names();
    for (const onnx::ValueInfoProto* input : inputs_) read_given(*input);
    if (options_.fix_shapes) fix();
    for (const onnx::ValueInfoProto* input : inputs_) bind_leading(*input);
    for (const onnx::ValueInfoProto* input : inputs_) set(*input);
    if (!missing_.empty()) {
      throw Error(ErrorKind::kInput, missing_).with_hint("add" + hint_);
    }
    return bound_;
  }

 private:
  void collect() {
    for (const onnx::ValueInfoProto& input : source_.model.graph().input()) {
      const OnnxValue& value = source_.value(source_.value_index.at(input.name()));
      if (value.kind == OnnxValue::Kind::kInput) inputs_.push_back(&input);
    }
  }

  void check_names() {
    for (const auto& [name, dims] : options_.input_shapes) {
      if (name.empty() && inputs_.size() == 1) continue;
      std::string names;
      bool found = false;
      for (const onnx::ValueInfoProto* input : inputs_) {
        names += (names.empty() ? "" : ", ") + input->name();
        found = found || input->name() == name;
      }
      AUTOGO_REQUIRE(!name.empty(), ErrorKind::kUsage,
                     "an input shape without a name, the model has several inputs: " + names);
      AUTOGO_REQUIRE(
          found, ErrorKind::kUsage,
          "there is no input '" + name + "' for the given shape, the inputs are: " + names);
    }
  }

  const Ints* given(const std::string& name) const {
    auto it = options_.input_shapes.find(name);
    if (it == options_.input_shapes.end() && inputs_.size() == 1) {
      it = options_.input_shapes.find("");
    }
    return it == options_.input_shapes.end() ? nullptr : &it->second;
  }

  void read_given(const onnx::ValueInfoProto& input) {
    const Ints* dims = given(input.name());
    const DeclaredType type = declared_type(input);
    if (dims == nullptr) return;
    for (const std::int64_t d : *dims) {
      AUTOGO_REQUIRE(d >= 0 && d <= kMaxDim, ErrorKind::kUsage,
                     "input '" + input.name() + "': a dimension of " + std::to_string(d));
    }
    if (type.shape == nullptr) return;
    bool fits = type.shape->dim_size() == static_cast<int>(dims->size());
    for (int i = 0; fits && i < type.shape->dim_size(); ++i) {
      const auto& dim = type.shape->dim(i);
      const std::int64_t size = (*dims)[static_cast<std::size_t>(i)];
      fits = !is_fixed(dim) || dim.dim_value() == size;
      if (dim.has_dim_param() && !dim.dim_param().empty()) bound_.emplace(dim.dim_param(), size);
    }
    AUTOGO_REQUIRE(fits, ErrorKind::kUsage,
                   "input '" + input.name() + "' is declared " + text(*type.shape) +
                       ", the given shape " + to_string(to_shape(*dims)) + " does not fit");
  }

  /// The model becomes one that was exported with the given sizes: they replace the dynamic
  /// dimensions of their inputs, and every dimension that bears the same name.
  void fix() {
    onnx::GraphProto& graph = *source_.model.mutable_graph();
    for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
      const OnnxValue& value = source_.value(source_.value_index.at(input.name()));
      const Ints* dims = value.kind == OnnxValue::Kind::kInput ? given(input.name()) : nullptr;
      if (dims != nullptr && input.type().has_tensor_type()) declare(input, *dims);
      fix_named(input);
    }
    std::ranges::for_each(*graph.mutable_output(), [&](auto& info) { fix_named(info); });
    std::ranges::for_each(*graph.mutable_value_info(), [&](auto& info) { fix_named(info); });
  }

  static void declare(onnx::ValueInfoProto& input, const Ints& dims) {
    onnx::TensorShapeProto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const int at = static_cast<int>(i);
      auto* dim = at < shape.dim_size() ? shape.mutable_dim(at) : shape.add_dim();
      dim->set_dim_value(dims[i]);
    }
  }

  void fix_named(onnx::ValueInfoProto& info) const {
    if (!declared_type(info).shape) return;
    for (auto& dim : *info.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim()) {
      const auto size = bound_.find(dim.dim_param());
      if (size != bound_.end()) dim.set_dim_value(size->second);
    }
  }

  void bind_leading(const onnx::ValueInfoProto& input) {
    const DeclaredType type = declared_type(input);
    if (type.shape == nullptr || type.shape->dim_size() == 0 || given(input.name())) return;
    const auto& dim = type.shape->dim(0);
    if (!is_fixed(dim) && !dim.dim_param().empty()) bound_.emplace(dim.dim_param(), 1);
  }

  void set(const onnx::ValueInfoProto& input) {
    const DeclaredType type = declared_type(input);
    OnnxValue& value = source_.value(source_.value_index.at(input.name()));
    value.dtype = type.dtype;
    if (type.container != nullptr) {  // no shape to ask for
      value.worlds[0].container = std::make_shared<onnx::TypeProto>(*type.container);
      value.worlds[1].container = value.worlds[0].container;
    }
    if (type.dtype == DType::kUndefined) return;
    const Ints* dims = given(input.name());
    if (type.shape == nullptr) {
      if (dims == nullptr) return want(input, "has no shape", {1, 3, 224, 224});
      source_.dynamic = true;
      return settle(value, *dims, doubled(*dims));
    }
    Ints sizes[2];
    bool known = true;
    for (int i = 0; i < type.shape->dim_size(); ++i) {
      const auto& dim = type.shape->dim(i);
      std::int64_t size = dims != nullptr ? (*dims)[static_cast<std::size_t>(i)] : dim.dim_value();
      if (!is_fixed(dim)) {
        source_.dynamic = true;
        const auto it = bound_.find(dim.dim_param());
        if (dims == nullptr) size = i == 0 ? 1 : -1;
        if (dims == nullptr && !dim.dim_param().empty() && it != bound_.end()) size = it->second;
      }
      if (size > kMaxDim) fail("input '" + input.name() + "' has an impossible shape");
      known = known && size >= 0;
      sizes[0].push_back(size);
      sizes[1].push_back(is_fixed(dim) ? size : 2 * size);
    }
    if (!known) return want(input, "has the dynamic shape " + text(*type.shape), sizes[0]);
    settle(value, sizes[0], sizes[1]);
  }

  static void settle(OnnxValue& value, const Ints& sizes, const Ints& twice) {
    if (!countable(sizes) || !countable(twice)) {
      fail("input '" + value.name + "' has more elements than can be counted");
    }
    value.worlds[0].dims = sizes;
    value.worlds[1].dims = twice;
  }

  static Ints doubled(Ints dims) {
    for (std::int64_t& d : dims) d *= 2;
    return dims;
  }

  void want(const onnx::ValueInfoProto& input, const std::string& what, Ints example) {
    missing_ += (missing_.empty() ? "" : "; ") + ("input '" + input.name() + "' ") + what +
                ", its sizes are needed";
    std::string shape;
    for (std::size_t i = 0; i < example.size(); ++i) {
      const bool image = example.size() == 4;
      if (example[i] < 0) example[i] = i == 1 && image ? 3 : image ? 224 : 128;
      shape += (i == 0 ? "" : "x") + std::to_string(example[i]);
    }
    hint_ += " --input-shape " + input.name() + ":" + shape;
  }

  static std::string text(const onnx::TensorShapeProto& shape) {
    std::string result;
    for (const auto& dim : shape.dim()) {
      const std::string name = dim.dim_param().empty() ? "?" : dim.dim_param();
      result +=
          (result.empty() ? "" : "x") + (is_fixed(dim) ? std::to_string(dim.dim_value()) : name);
    }
    return result.empty() ? "scalar" : result;
  }

  ModelSource& source_;
  const ImportOptions& options_;
  std::vector<const onnx::ValueInfoProto*> inputs_;
  SymbolSizes bound_;
  std::string missing_, hint_;
};

}  // namespace

DeclaredType declared_type(const onnx::ValueInfoProto& info) {
  using onnx::TypeProto;
  const auto kind = info.type().value_case();
  if (kind == TypeProto::kSequenceType || kind == TypeProto::kOptionalType ||
      kind == TypeProto::kMapType) {
    return {DType::kUndefined, nullptr, &info.type()};
  }
  if (!info.type().has_tensor_type()) return {};
  const auto& tensor = info.type().tensor_type();
  return {to_dtype(tensor.elem_type()), tensor.has_shape() ? &tensor.shape() : nullptr, nullptr};
}

SymbolSizes assign_input_shapes(ModelSource& source, const ImportOptions& options) {
  return InputShapes(source, options).assign();
}

}  // namespace autogo
