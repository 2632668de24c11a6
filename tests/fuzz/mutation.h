#pragma once

// Random edits of inputs. Each takes its randomness from a stream, so that an input is known by the
// seed and its number.

#include <onnx/onnx_pb.h>

#include <string>

#include "autogo/base/rng.h"
#include "base/json.h"

namespace autogo::fuzz {

/// A number that breaks things: 0, -1, powers of two and their neighbours, the ends of the types.
std::int64_t odd_integer(Rng& rng);
double odd_real(Rng& rng);

/// A few edits of bytes: changed, removed, inserted, doubled, the end cut off, numbers made large.
std::string edit_bytes(std::string bytes, Rng& rng);

/// One edit of a document: a value replaced by an odd one, by another part of it, doubled, removed.
void edit_json(Json& json, Rng& rng);

/// One edit of a model: dimensions, attributes, wiring, initializers, types, opsets, subgraphs.
void edit_model(onnx::ModelProto& model, Rng& rng);

}  // namespace autogo::fuzz
