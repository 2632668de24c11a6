// Writing the finished model to disk, with its weights inside or beside it.
//
// Inside is the rule. Beside it, in one file OUT.onnx.data, when the model came that way or when it
// would pass 2 GB, the limit of protobuf. Bytes that lie in the source's mapped files go straight
// from the mapping to the new file and are never held twice.
//
// The data file is renamed into place only after the model's own bytes are on disk under their
// temporary name, and the model is renamed last: a full disk leaves the old pair as it was.
//
// Tested by tests/onnx/external_data_test.cc.

#include <climits>
#include <filesystem>

#include "attributes.h"
#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "model_source.h"
#include "model_writer.h"
#include "tensor_data.h"

namespace autogo {
namespace {

using onnx::GraphProto;
using onnx::TensorProto;

constexpr std::size_t kSmallestBeside = 1024;  ///< smaller tensors stay inside
constexpr std::size_t kAlignment = 64;

template <typename Visit>
void for_each_tensor(GraphProto& graph, const Visit& visit) {
  for (TensorProto& tensor : *graph.mutable_initializer()) visit(tensor);
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) visit(*attribute.mutable_t());
      if (attribute.has_g()) for_each_tensor(*attribute.mutable_g(), visit);
      for (GraphProto& g : *attribute.mutable_graphs()) for_each_tensor(g, visit);
    }
  }
}

/// The bytes of the data file: pieces that lie in mapped files or are owned here.
class DataFile {
 public:
  DataFile(const ModelSource* source, std::string location)
      : source_(source), location_(std::move(location)) {}

  void take(TensorProto& tensor) {
    const bool mapped = tensor.data_location() == TensorProto::EXTERNAL;
    if (!mapped && tensor.raw_data().size() < kSmallestBeside) return;
    Piece piece;
    if (mapped) {
      piece.mapped = source_->raw_bytes(tensor);
    } else {
      piece.owned = std::move(*tensor.mutable_raw_data());
      tensor.clear_raw_data();
    }
    const std::size_t bytes = piece.bytes().size();
    end_ = (end_ + kAlignment - 1) / kAlignment * kAlignment;
    tensor.clear_external_data();
    tensor.set_data_location(TensorProto::EXTERNAL);
    auto entry = [&](const char* key, const std::string& value) {
      onnx::StringStringEntryProto& e = *tensor.add_external_data();
      e.set_key(key);
      e.set_value(value);
    };
    entry("location", location_);
    entry("offset", std::to_string(end_));
    entry("length", std::to_string(bytes));
    end_ += bytes;
    pieces_.push_back(std::move(piece));
  }

  bool empty() const { return pieces_.empty(); }

  void write(const std::string& path) const {
    write_file_atomic(path, [&](const ByteSink& sink) {
      const std::string zeros(kAlignment, '\0');
      std::size_t at = 0;
      for (const Piece& piece : pieces_) {
        const std::size_t gap = (kAlignment - at % kAlignment) % kAlignment;
        if (gap > 0) sink(std::string_view(zeros).substr(0, gap));
        sink(piece.bytes());
        at += gap + piece.bytes().size();
      }
    });
  }

 private:
  struct Piece {
    std::string_view mapped;
    std::string owned;
    std::string_view bytes() const { return owned.empty() ? mapped : std::string_view(owned); }
  };
  const ModelSource* source_;
  std::string location_;
  std::vector<Piece> pieces_;
  std::size_t end_ = 0;
};

}  // namespace

void write_model(onnx::ModelProto& model, const ModelSource* source, const std::string& path) {
  const bool beside = (source != nullptr && source->external_data) ||
                      model.ByteSizeLong() > static_cast<std::size_t>(INT_MAX);
  DataFile data(source, std::filesystem::path(path).filename().string() + ".data");
  if (beside) for_each_tensor(*model.mutable_graph(), [&](TensorProto& t) { data.take(t); });
  std::string bytes;
  AUTOGO_REQUIRE(
      model.ByteSizeLong() <= static_cast<std::size_t>(INT_MAX) && model.SerializeToString(&bytes),
      ErrorKind::kUnsupported, path + ": the model does not fit the 2 GB of the format");
  write_file_atomic(path, [&](const ByteSink& sink) {
    sink(bytes);
    if (!data.empty()) data.write(path + ".data");
  });
}

}  // namespace autogo
