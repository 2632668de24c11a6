#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/graph/graph.h"

namespace autogo {

struct ImportOptions {
  /// Shapes for dynamic inputs by name; the name "" fits a model with a single input.
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
  /// Whether these sizes replace the dynamic dimensions for good: exports have them, and what
  /// depended on them is folded. Else they are what costs are counted with.
  bool fix_shapes = false;
};

/// Reads an ONNX file (opsets 7 to 26, and older ones whose operators did not change until 7; "-" is
/// standard input) as a Graph with every type inferred. Constants, shape arithmetic, dropout and
/// identity are folded; known idioms become one node (docs/formats.md).
/// The model's bytes live on in the Source; weights are not copied.
/// A dynamic leading (batch) dimension counts as 1 and stays dynamic in exports; another dynamic
/// dimension needs an entry in `input_shapes`.
/// @throws Error kInput, kUnsupported, kIo; the text starts with the path and names the node
Graph import_onnx(const std::string& path, const ImportOptions& options = {},
                  Log& log = null_log());

enum class NewWeights {
  kRandom,           ///< drawn from the seed in the operator's usual way (He, ones, zeros)
  kConstantOfShape,  ///< produced by ConstantOfShape nodes: small files, real shapes
};

struct ExportOptions {
  std::uint64_t seed = 0;
  NewWeights new_weights = NewWeights::kRandom;
  std::string name = "autogo";                  ///< graph name when there is no source model
  std::map<std::string, std::string> metadata;  ///< ONNX metadata_props, e.g. the lineage
};

/// Writes a Graph as ONNX, atomically. Nodes that came from the source model go out as they came
/// in: same operators, names, opset, IR version, weights bit for bit. New nodes are written in the
/// model's opset. A graph without a source gets opset 13, IR 8.
/// @return the nodes in the file
/// @throws Error kIo; kUnsupported for a new node that the opset cannot express
std::size_t export_onnx(const Graph& graph, const std::string& path, const ExportOptions& options = {});

}  // namespace autogo
