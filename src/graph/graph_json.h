#pragma once

// Graphs inside our JSON files (segment databases, ONNX corpora). Private: it names a JSON type.

#include <string>

#include "autogo/graph/graph.h"
#include "base/json.h"

namespace autogo {

/// A list with one entry a node: [op, [input value ids], {attributes that differ from the default},
/// [output types]]. Trailing empty parts are left out; types stand only where the shape rule does
/// not give them (inputs, opaque nodes). A type is [dims..] or {"shape", "dtype", "layout"}.
Json graph_to_json(const Graph& graph);

/// @param where  prefix of error texts
/// @throws Error kInput when the text is not a graph, or breaks an operator's rule
Graph graph_from_json(const Json& json, const std::string& where);

}  // namespace autogo
