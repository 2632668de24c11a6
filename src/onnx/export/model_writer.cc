#include "model_writer.h"

#include "autogo/base/error.h"
#include "onnx/attributes.h"
#include "onnx/tensor_data.h"

namespace autogo {

std::string ModelWriter::fresh(const std::string& base) {
  std::string name = base;
  while (!names_.insert(name).second) {
    int& last = last_suffix_.emplace(base, 1).first->second;  // those below are taken already
    name = base + "_" + std::to_string(++last);
  }
  return name;
}

onnx::NodeProto& ModelWriter::add_node(const std::string& op, const std::string& name,
                                       const std::vector<std::string>& inputs,
                                       const std::string& output) {
  onnx::NodeProto& node = *graph().add_node();
  node.set_op_type(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

std::string ModelWriter::add_constant(const std::string& base, const SmallTensor& data) {
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(fresh(base));
  write_small(data, tensor);
  return tensor.name();
}

std::string ModelWriter::add_scalar(const std::string& base, DType type, double value) {
  return add_constant(base, {type, {}, {}, {round_to(type, value)}});
}

std::string ModelWriter::add_ints(const std::string& base,
                                  const std::vector<std::int64_t>& values) {
  return add_constant(base,
                      {DType::kInt64, {static_cast<std::int64_t>(values.size())}, values, {}});
}

std::string ModelWriter::add_weight(const std::string& base, DType type,
                                    const std::vector<std::int64_t>& dims, const WeightInit& init) {
  AUTOGO_REQUIRE(is_floating(type), ErrorKind::kUnsupported,
                 "new weights of type " + std::string(dtype_name(type)) + " cannot be made");
  std::string name = fresh(base);
  std::int64_t elements = 1;
  for (const std::int64_t d : dims) elements *= d;
  if (options_.new_weights == NewWeights::kConstantOfShape && opset_ >= 9) {
    onnx::NodeProto& node =
        add_node("ConstantOfShape", name, {add_ints(name + ".shape", dims)}, name);
    onnx::AttributeProto& value = *node.add_attribute();
    value.set_name("value");
    value.set_type(onnx::AttributeProto::TENSOR);
    // Half the variance of He's weights is 1 / fan_in: outputs are then means of inputs.
    const double number = init.random ? init.value * init.value / 2 : init.value;
    write_small({type, {1}, {}, {round_to(type, number)}}, *value.mutable_t());
    return name;
  }
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int>(type));
  for (const std::int64_t d : dims) tensor.add_dims(d);
  tensor.set_raw_data(weight_bytes(type, elements, init, name, options_.seed));
  return name;
}

}  // namespace autogo
