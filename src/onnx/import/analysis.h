#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>

#include "autogo/base/log.h"
#include "autogo/onnx/model.h"
#include "onnx/model_source.h"

namespace autogo {

/// A declared type (of an input, an output or a value_info) without its sizes.
struct DeclaredType {
  DType dtype = DType::kUndefined;
  const onnx::TensorShapeProto* shape = nullptr;
  const onnx::TypeProto* container = nullptr;  ///< of a sequence, an optional or a map
};
DeclaredType declared_type(const onnx::ValueInfoProto& info);
/// Whether a declared dimension is a number, 0 included; else it is dynamic (some exporters write
/// -1).
inline bool is_fixed(const onnx::TensorShapeProto::Dimension& dim) {
  return dim.has_dim_value() && dim.dim_value() >= 0;
}

/// Sizes of symbolic dimensions by name, in world 0.
using SymbolSizes = std::map<std::string, std::int64_t>;

/// Gives the network inputs their shapes in both worlds; with `fix_shapes` writes the given sizes
/// into the model, before.
/// @throws Error kInput: sizes are missing, with the options to add as hint; kUsage: an option fits
///         no input
SymbolSizes assign_input_shapes(ModelSource& source, const ImportOptions& options);

/// Infers every value of a loaded model and decides what each node becomes (OnnxNode::State).
/// @throws Error kInput with the node
void analyse(ModelSource& source, const SymbolSizes& symbols, Log& log);

}  // namespace autogo
