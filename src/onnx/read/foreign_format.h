#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autogo {

/// Why some bytes are no ONNX model, where they are a file of another well-known kind.
struct ForeignFormat {
  std::string what;  ///< "is a TensorFlow Lite model, not an ONNX model"
  std::string hint;  ///< how to come by an ONNX model
};

/// For files that could not be read as ONNX; no value: the bytes say nothing.
std::optional<ForeignFormat> foreign_format(std::string_view bytes);

}  // namespace autogo
