#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>

namespace autogo {

/// The opset of ONNX's own domain that a model is read in; 0 when it does not import the domain.
/// A model of an opset below 7 becomes one of opset 7 here, when every operator that it uses means
/// the same there (docs/decisions/0014-old-opsets.md).
/// @throws Error kUnsupported with the node whose operator changed; an opset that is too new
std::int64_t settle_opset(onnx::ModelProto& model);

}  // namespace autogo
