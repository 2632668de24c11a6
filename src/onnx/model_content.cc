// What a model's bytes say as a whole.
//
// The hash is of the model as it was parsed, written out again in blocks that are hashed and
// forgotten: what counts is what the import saw, not what lies at the path by now. External data
// belongs to the model; of its files only the ranges that tensors name do.
//
// Tested by tests/onnx/model_content_test.cc.

#include "autogo/onnx/model_content.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <array>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"
#include "model_source.h"
#include "tensor_data.h"

namespace autogo {
namespace {

const ModelSource* source_of(const Graph& graph) {
  return dynamic_cast<const ModelSource*>(graph.source().get());
}

/// Hashes what is written to it in blocks of a fixed size, however protobuf cuts its writes.
class HashingStream : public google::protobuf::io::ZeroCopyOutputStream {
 public:
  bool Next(void** data, int* size) override {
    if (used_ == block_.size()) flush();
    *data = block_.data() + used_;
    *size = static_cast<int>(block_.size() - used_);
    used_ = block_.size();
    return true;
  }
  void BackUp(int count) override { used_ -= static_cast<std::size_t>(count); }
  std::int64_t ByteCount() const override { return flushed_ + static_cast<std::int64_t>(used_); }

  std::uint64_t hash() {
    flush();
    return hash_;
  }

 private:
  void flush() {
    hash_ = hash_bytes(block_.data(), used_, hash_);
    flushed_ += static_cast<std::int64_t>(used_);
    used_ = 0;
  }

  std::array<char, 65536> block_;
  std::size_t used_ = 0;
  std::int64_t flushed_ = 0;
  std::uint64_t hash_ = 0;
};

/// Bytes of a tensor of numbers that could be weights; 0 for others.
std::int64_t weight_bytes(const OnnxValue& value) {
  const std::int64_t elements = num_elements(value.worlds[0].dims);
  return elements > 0 && is_floating(value.dtype)
             ? elements * static_cast<std::int64_t>(dtype_size(value.dtype))
             : 0;
}

}  // namespace

std::uint64_t hash_model(const Graph& graph) {
  const ModelSource* source = source_of(graph);
  if (source == nullptr) return 0;
  HashingStream stream;
  {
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    AUTOGO_CHECK(source->model.SerializeToCodedStream(&coded));
  }
  std::uint64_t hash = stream.hash();
  for (const std::string_view bytes : source->external_bytes) {
    hash = hash_combine(hash, hash_bytes(bytes.data(), bytes.size()));
  }
  return hash;
}

bool is_weightless(const Graph& graph) {
  const ModelSource* source = source_of(graph);
  if (source == nullptr) return false;
  double stored = 0, made = 0;  // sums of sizes that a file states may pass any integer
  for (const OnnxValue& value : source->values) {
    if (value.kind == OnnxValue::Kind::kWeight) {
      stored += static_cast<double>(weight_bytes(value));
    } else if (value.producer >= 0 && value.is_constant()) {
      const OnnxNode& producer = source->nodes[static_cast<std::size_t>(value.producer)];
      const bool live = producer.state != OnnxNode::State::kDead;
      const std::string& op = producer.proto->op_type();
      if (live && op == "Constant") stored += static_cast<double>(weight_bytes(value));
      if (live && op == "ConstantOfShape") made += static_cast<double>(weight_bytes(value));
    }
  }
  return made > 3 * stored;
}

}  // namespace autogo
