#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "autogo/onnx/model.h"
#include "onnx/small_tensor.h"

namespace autogo {

/// How a new weight starts: every element `value`, or normal with mean 0 and deviation `value`.
struct WeightInit {
  bool random = false;
  double value = 0;
};
/// He initialisation for a weight whose outputs each sum `fan_in` products.
WeightInit he_normal(std::int64_t fan_in);

/// Raw data of a new weight. Its stream depends on the seed and the weight's name only.
std::string weight_bytes(DType type, std::int64_t elements, const WeightInit& init,
                         const std::string& name, std::uint64_t seed);

/// An ONNX model while it is being written.
class ModelWriter {
 public:
  ModelWriter(std::int64_t opset, const ExportOptions& options)
      : opset_(opset), options_(options) {}

  onnx::ModelProto& model() { return model_; }
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  std::int64_t opset() const { return opset_; }

  /// Takes names out of the pool for new ones.
  void reserve(const std::string& name) { names_.insert(name); }
  /// `base`, or `base`_2, `base`_3, ...
  std::string fresh(const std::string& base);

  onnx::NodeProto& add_node(const std::string& op, const std::string& name,
                            const std::vector<std::string>& inputs, const std::string& output);
  /// An initializer. @return its name
  std::string add_constant(const std::string& base, const SmallTensor& data);
  std::string add_scalar(const std::string& base, DType type, double value);
  std::string add_ints(const std::string& base, const std::vector<std::int64_t>& values);
  /// A new weight: an initializer, or a ConstantOfShape node when the options say so and the opset
  /// has it (since 9).
  std::string add_weight(const std::string& base, DType type, const std::vector<std::int64_t>& dims,
                         const WeightInit& init);

 private:
  std::int64_t opset_;
  const ExportOptions& options_;
  onnx::ModelProto model_;
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, int> last_suffix_;  ///< by base that several names have
};

/// Writes a node of the operator table that no file spelled yet.
/// @param inputs  names of its inputs, @param output  name of its output
/// @throws Error kUnsupported when the opset cannot express it
void write_new_node(ModelWriter& writer, const Graph& graph, NodeId id,
                    const std::vector<std::string>& inputs, const std::string& output);

/// Completes and writes a model: tensors that still point into `source`'s external files are
/// fetched; data goes into `path`.HASH.data when the source had external data or the model would
/// pass the 2 GB that the format allows. Whenever it is stopped, the old model or the new one
/// stands there with its data.
/// @throws Error kIo; kUsage: standard output for a model that needs a data file
void write_model(onnx::ModelProto& model, const class ModelSource* source, const std::string& path);

}  // namespace autogo
