#pragma once

#include <onnx/onnx_pb.h>

#include <memory>
#include <string>
#include <vector>

#include "autogo/onnx/model.h"
#include "onnx/model_source.h"

namespace autogo {

enum class SourceWeights {
  kCopied,  ///< the model is complete
  kNamed,   ///< the source's initializers keep their data there: name, type and shape only
};

/// A Graph as an ONNX model in memory: the one place where operators are spelled, which export_onnx
/// writes to a file and lower() hands to back-ends.
struct BuiltModel {
  onnx::ModelProto model;
  std::vector<NodeId> lowered_from;  ///< by node of the model; kNoNode: a conversion
  std::vector<std::pair<std::string, TensorType>> value_types;  ///< of the Graph's values
  std::vector<std::string> input_names;       ///< of the Graph's inputs, in the model's order
  std::shared_ptr<const ModelSource> source;  ///< shared with the Graph; may be null
};

/// @throws Error kUnsupported for a new node that the opset cannot express
BuiltModel build_model(const Graph& graph, const ExportOptions& options, SourceWeights weights);

}  // namespace autogo
