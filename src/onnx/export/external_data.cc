// Writing the finished model to disk, with its weights inside or beside it.
//
// Inside is the rule. Beside it, in one file OUT.onnx.HASH.data, when the model came that way or
// when it would pass 2 GB, the limit of protobuf. Bytes that lie in the source's mapped files go
// straight from the mapping to the new file and are never held twice.
//
// A pair of files cannot be replaced in one step. So the data file is named by its content: a new
// one never takes the place of the one that the old model names, unless it has the same bytes. It
// is on disk before the model that names it is renamed into place, and that one step replaces the
// pair. Whenever the machine stops, the model that stands there has its data. The old model's data
// file is removed afterwards; a stop just before that leaves it behind, in nobody's way.
//
// Tested by tests/onnx/external_data_test.cc.

#include <climits>
#include <filesystem>
#include <set>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "model_writer.h"
#include "onnx/attributes.h"
#include "onnx/model_source.h"
#include "onnx/tensor_data.h"

namespace autogo {
namespace {

using onnx::GraphProto;
using onnx::TensorProto;

constexpr std::size_t kSmallestBeside = 1024;  ///< smaller tensors stay inside
constexpr std::size_t kAlignment = 64;

namespace fs = std::filesystem;

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
  explicit DataFile(const ModelSource* source) : source_(source) {}

  void take(TensorProto& tensor) {
    const bool mapped = tensor.data_location() == TensorProto::EXTERNAL;
    if (!mapped && tensor.raw_data().size() < kSmallestBeside) return;
    Piece piece;
    piece.tensor = &tensor;
    if (mapped) {
      piece.mapped = source_->raw_bytes(tensor);
    } else {
      piece.owned = std::move(*tensor.mutable_raw_data());
      tensor.clear_raw_data();
    }
    pieces_.push_back(std::move(piece));
  }

  bool empty() const { return pieces_.empty(); }

  /// Of the file: the same bytes in tensors of other sizes are another file.
  std::uint64_t hash() const {
    ByteHash hash;
    emit([&](std::string_view bytes) { hash.add(bytes); });
    return hash.value();
  }

  /// Tells the tensors where they are.
  void name(const std::string& location) const {
    std::size_t at = 0;
    for (const Piece& piece : pieces_) {
      TensorProto& tensor = *piece.tensor;
      at = aligned(at);
      tensor.clear_external_data();
      tensor.set_data_location(TensorProto::EXTERNAL);
      auto entry = [&](const char* key, const std::string& value) {
        onnx::StringStringEntryProto& e = *tensor.add_external_data();
        e.set_key(key);
        e.set_value(value);
      };
      entry("location", location);
      entry("offset", std::to_string(at));
      entry("length", std::to_string(piece.bytes().size()));
      at += piece.bytes().size();
    }
  }

  void write(const std::string& path) const {
    write_file_atomic(path, [&](const ByteSink& sink) { emit(sink); });
  }

 private:
  struct Piece {
    TensorProto* tensor = nullptr;
    std::string_view mapped;
    std::string owned;
    std::string_view bytes() const { return owned.empty() ? mapped : std::string_view(owned); }
  };
  void emit(const ByteSink& sink) const {
    const std::string zeros(kAlignment, '\0');
    std::size_t at = 0;
    for (const Piece& piece : pieces_) {
      const std::size_t gap = aligned(at) - at;
      if (gap > 0) sink(std::string_view(zeros).substr(0, gap));
      sink(piece.bytes());
      at += gap + piece.bytes().size();
    }
  }
  static std::size_t aligned(std::size_t at) {
    return (at + kAlignment - 1) / kAlignment * kAlignment;
  }

  const ModelSource* source_;
  std::vector<Piece> pieces_;
};

/// Is it the name of a data file of the model called so?
bool is_data_name(const std::string& name, const std::string& model) {
  constexpr std::size_t kDigits = 16;
  const std::string prefix = model + ".", suffix = ".data";
  return name.size() == prefix.size() + kDigits + suffix.size() && name.starts_with(prefix) &&
         name.ends_with(suffix) &&
         name.find_first_not_of("0123456789abcdef", prefix.size()) == prefix.size() + kDigits;
}

/// The data files that an earlier writing of the model at this path made and that the model there
/// names. What only looks like one, or belongs to a model that is being written by somebody else,
/// is not among them.
std::set<std::string> data_files_of(const fs::path& path) {
  std::set<std::string> candidates, named;
  std::error_code failure;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (auto it = fs::directory_iterator(folder, failure);
       !failure && it != fs::directory_iterator(); it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (is_data_name(name, path.filename().string())) candidates.insert(name);
  }
  if (candidates.empty() || !fs::is_regular_file(path, failure)) return {};
  onnx::ModelProto model;
  if (!model.ParseFromString(read_file(path.string()))) return {};
  for_each_tensor(*model.mutable_graph(), [&](TensorProto& tensor) {
    for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
      if (entry.key() == "location" && candidates.contains(entry.value())) {
        named.insert(entry.value());
      }
    }
  });
  return named;
}

std::string serialized(const onnx::ModelProto& model, const std::string& path) {
  std::string bytes;
  AUTOGO_REQUIRE(
      model.ByteSizeLong() <= static_cast<std::size_t>(INT_MAX) && model.SerializeToString(&bytes),
      ErrorKind::kUnsupported, path + ": the model does not fit the 2 GB of the format");
  return bytes;
}

/// The model with its data file beside it.
void write_pair(onnx::ModelProto& model, const DataFile& data, const fs::path& path) {
  const std::string name = path.filename().string() + "." + hex64(data.hash()) + ".data";
  const fs::path data_path = path.parent_path() / name;
  data.name(name);
  const std::string bytes = serialized(model, path.string());
  std::set<std::string> old = data_files_of(path);
  std::error_code ignored;
  const bool known = fs::exists(data_path, ignored);
  try {
    write_file_atomic(path.string(), [&](const ByteSink& sink) {
      sink(bytes);  // first, so that a disk that is too small for it is known before
      data.write(data_path.string());
    });
  } catch (...) {
    if (!known) fs::remove(data_path, ignored);
    throw;
  }
  old.erase(name);
  for (const std::string& unused : old) fs::remove(path.parent_path() / unused, ignored);
}

}  // namespace

void write_model(onnx::ModelProto& model, const ModelSource* source, const std::string& path) {
  const bool beside = (source != nullptr && source->external_data) ||
                      model.ByteSizeLong() > static_cast<std::size_t>(INT_MAX);
  DataFile data(source);
  if (beside) for_each_tensor(*model.mutable_graph(), [&](TensorProto& t) { data.take(t); });
  if (data.empty()) return write_file_atomic(path, serialized(model, path));
  std::error_code ignored;
  const bool stream = path == "-" || path == "/dev/stdout" ||
                      (fs::exists(path, ignored) && fs::is_other(path, ignored));
  AUTOGO_REQUIRE(!stream, ErrorKind::kUsage,
                 path + ": the model's weights need a file beside it; write it to a file");
  write_pair(model, data, path);
}

}  // namespace autogo
