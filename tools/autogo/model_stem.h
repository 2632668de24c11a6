#pragma once

#include <string>

namespace autogo {

/// What to call a model by its path: "resnet50" of "models/resnet50.onnx", "stdin" of "-".
std::string model_stem(const std::string& path);

}  // namespace autogo
