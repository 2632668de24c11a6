#include "declarations.h"

namespace autogo {

onnx::ValueInfoProto value_info(const std::string& name, const TensorType& type) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(static_cast<int>(type.dtype));
  if (!type.shape.has_rank()) return info;
  auto* shape = tensor->mutable_shape();
  for (const std::int64_t d : type.shape.dims()) {
    auto* dim = shape->add_dim();
    if (d >= 0) dim->set_dim_value(d);
  }
  return info;
}

void copy_header(const onnx::ModelProto& from, onnx::ModelProto& to) {
  to.set_ir_version(from.ir_version());
  *to.mutable_opset_import() = from.opset_import();
  if (from.has_producer_name()) to.set_producer_name(from.producer_name());
  if (from.has_producer_version()) to.set_producer_version(from.producer_version());
  if (from.has_domain()) to.set_domain(from.domain());
  if (from.has_model_version()) to.set_model_version(from.model_version());
  if (from.has_doc_string()) to.set_doc_string(from.doc_string());
  *to.mutable_metadata_props() = from.metadata_props();
  *to.mutable_functions() = from.functions();
  to.mutable_unknown_fields()->MergeFrom(from.unknown_fields());
  onnx::GraphProto& graph = *to.mutable_graph();
  graph.set_name(from.graph().name());
  if (from.graph().has_doc_string()) graph.set_doc_string(from.graph().doc_string());
  graph.mutable_unknown_fields()->MergeFrom(from.graph().unknown_fields());
}

bool adapt_shape(onnx::ValueInfoProto& info, const Shape& shape) {
  if (!info.type().tensor_type().has_shape() || !shape.known()) return false;
  bool changed = false;
  auto& declared = *info.mutable_type()->mutable_tensor_type()->mutable_shape();
  if (declared.dim_size() != shape.rank()) {
    declared.Clear();
    for (const std::int64_t d : shape.dims()) declared.add_dim()->set_dim_value(d);
    changed = true;
  }
  for (int d = 0; d < declared.dim_size(); ++d) {
    auto& dim = *declared.mutable_dim(d);
    const std::int64_t size = shape[static_cast<std::size_t>(d)];
    if (!dim.has_dim_value() || dim.dim_value() == size) continue;
    dim.set_dim_value(size);
    changed = true;
  }
  return changed;
}

}  // namespace autogo
