#pragma once

#include <onnx/onnx_pb.h>

namespace autogo {

/// Puts the nodes of a model's local functions in place of their calls, subgraphs included, so that
/// what follows sees operators only. Values and nodes of a function get the name of the call in
/// front; the one node of a function of one node gets that name itself. A function whose operators
/// mean another thing in the model's opset stays as it is, and so do its calls.
/// Cost: linear in the nodes that result, which are bounded.
/// @throws Error kInput: a function calls itself, is malformed, or blows the model up
void inline_functions(onnx::ModelProto& model);

}  // namespace autogo
