// What somebody gives instead of an ONNX model: networks of other formats, archives, text, and what
// a download or a checkout leaves in a file's place. Told by the bytes that the formats begin with.
//
// Tested by tests/onnx/foreign_format_test.cc.

#include "foreign_format.h"

#include <algorithm>
#include <array>

#include "autogo/base/placeholder.h"

namespace autogo {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kFromTorch =
    "load it in PyTorch and export it with torch.onnx.export(model, inputs, 'model.onnx')";
constexpr std::string_view kFromKeras =
    "load it in Keras and export it with model.export('model.onnx', format='onnx'), or convert it "
    "with tf2onnx";
constexpr std::string_view kUnpack = "unpack it, and give the .onnx file inside";
constexpr std::string_view kOtherFile = "give the .onnx file that it was made from";

struct Magic {
  std::size_t at;
  std::string_view bytes, what, hint;
};

/// The first that fits is meant: a ZIP archive is looked into before it is called one.
constexpr std::array kMagics = {
    Magic{4, "TFL3", "a TensorFlow Lite model",
          "convert it: python -m tf2onnx.convert --tflite model.tflite --output model.onnx"},
    Magic{4, "ORTM", "a model in ONNX Runtime's own format", kOtherFile},
    Magic{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras)", kFromKeras},
    Magic{0, "GGUF", "a GGUF file, weights of a language model", ""},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", ""},
    Magic{0, "\x1f\x8b"sv, "a gzip file", kUnpack},
    Magic{0,
          "\xfd"
          "7zXZ"sv,
          "an xz file", kUnpack},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "a Zstandard file", kUnpack},
    Magic{0, "BZh", "a bzip2 file", kUnpack},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpack},
    Magic{257, "ustar", "a tar archive", kUnpack},
    Magic{0, "<?xml", "an XML file (OpenVINO's networks are)", kOtherFile},
};

bool has_at(std::string_view bytes, std::size_t at, std::string_view wanted) {
  return bytes.size() >= at + wanted.size() && bytes.substr(at, wanted.size()) == wanted;
}

ForeignFormat not_onnx(std::string_view what, std::string_view hint) {
  return {"is " + std::string(what) + ", not an ONNX model", std::string(hint)};
}

/// PyTorch and Keras save ZIP archives, whose first member tells them apart.
std::optional<ForeignFormat> archive(std::string_view bytes) {
  if (!bytes.starts_with("PK\x03\x04")) return std::nullopt;
  const std::string_view start = bytes.substr(0, 4096);
  auto holds = [&](std::string_view name) { return start.find(name) != std::string_view::npos; };
  if (holds("/data.pkl") || holds("/byteorder") || holds("/.format_version")) {
    return not_onnx("a file of PyTorch", kFromTorch);
  }
  if (holds("metadata.json") || holds("model.weights.h5")) {
    return not_onnx("a file of Keras", kFromKeras);
  }
  if (holds(".npy")) return not_onnx("an archive of NumPy arrays", "");
  return not_onnx("a ZIP archive", kUnpack);
}

/// Length of a JSON header in 8 bytes, then the header.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 9 && bytes.substr(4, 4) == "\0\0\0\0"sv && bytes[8] == '{';
}

/// Python's pickle: protocol 2 to 5, then an opcode that a saved object begins with.
bool is_pickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 &&
         "\x8a}]c\x95("sv.find(bytes[2]) != std::string_view::npos;
}

/// The first line, where everything is printable; text is quoted: it often is a server's message.
std::optional<ForeignFormat> text(std::string_view bytes) {
  constexpr std::size_t kShown = 40;
  const std::string_view start = bytes.substr(0, 512);
  const bool printable = std::ranges::all_of(
      start, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
  if (!printable) return std::nullopt;
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return not_onnx("text", "");
  std::string line(start.substr(first, start.find_first_of("\r\n", first) - first));
  std::ranges::replace(line, '\t', ' ');
  if (line.size() > kShown) line = line.substr(0, kShown) + "...";
  return not_onnx("text that begins with '" + line + "'", "");
}

}  // namespace

std::optional<ForeignFormat> foreign_format(std::string_view bytes) {
  if (const auto placeholder = placeholder_of(bytes)) {
    return not_onnx(placeholder->what, placeholder->hint);
  }
  for (const Magic& magic : kMagics) {
    if (has_at(bytes, magic.at, magic.bytes)) return not_onnx(magic.what, magic.hint);
  }
  if (auto found = archive(bytes)) return found;
  if (is_safetensors(bytes)) {
    return not_onnx("a safetensors file, weights without a network", kFromTorch);
  }
  if (is_pickle(bytes)) return not_onnx("a Python pickle (PyTorch saves such)", kFromTorch);
  return text(bytes);
}

}  // namespace autogo
