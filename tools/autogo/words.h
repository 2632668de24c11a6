#pragma once

#include <string>
#include <vector>

namespace autogo {

/// The known word that a misspelt one most likely means: least edit distance (insert, delete,
/// replace, swap of neighbours), at most a third of its length. Empty when none is near. Ties: the
/// first of `known`.
std::string nearest_word(const std::string& word, const std::vector<std::string>& known);

/// What to call a model by its path: "resnet50" of "models/resnet50.onnx", "stdin" of "-".
std::string model_stem(const std::string& path);

}  // namespace autogo
