#pragma once

#include <onnx/onnx_pb.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "autogo/base/file.h"
#include "autogo/graph/graph.h"
#include "small_tensor.h"

namespace autogo {

/// What is known of a value while importing. Importing runs in two worlds at once: in world 0 the
/// dynamic dimensions have the sizes that costs are counted with (a leading one is 1), in world 1
/// every one of them is twice as large. A dimension or number that differs between the worlds
/// depends on a dynamic dimension and must not be folded. A model without dynamic dimensions has
/// only world 0.
struct World {
  Dims dims;
  std::shared_ptr<const SmallTensor> data;  ///< shared between a value and those that pass it on
  std::shared_ptr<const onnx::TypeProto> container = {};  ///< a sequence, optional or map: no dims
};

/// A value of the main graph, in the order of first appearance. Index: Value::origin.
struct OnnxValue {
  enum class Kind : std::uint8_t {
    kComputed,  ///< depends on the network's inputs
    kInput,     ///< a network input
    kWeight,    ///< an initializer
    kConstant,  ///< computed by nodes from weights only
    kFolded,    ///< computed from shapes that are fixed: its data is known
  };
  std::string name;
  Kind kind = Kind::kComputed;
  DType dtype = DType::kUndefined;
  std::array<World, 2> worlds;
  int producer = -1;                          ///< OnnxNode index
  bool channels_last = false;  ///< N,H,W,C in the file; the Graph's value of this origin: N,C,H,W
  int alias = -1;                             ///< the value that it equals (Identity, Dropout)
  const onnx::TensorProto* tensor = nullptr;  ///< kWeight, or the value of a Constant node
  const onnx::SparseTensorProto* sparse = nullptr;

  bool is_constant() const {
    return kind == Kind::kWeight || kind == Kind::kConstant || kind == Kind::kFolded;
  }
};

/// A node of the main graph.
struct OnnxNode {
  enum class State : std::uint8_t {
    kLive,      ///< becomes (part of) a node of the Graph
    kConstant,  ///< its outputs are constants: written out when a consumer is
    kFolded,    ///< its outputs are known numbers
    kAlias,     ///< Identity, Dropout: removed
    kDead,      ///< no network output depends on it
  };
  const onnx::NodeProto* proto = nullptr;
  std::string name;  ///< made up where the file has none
  State state = State::kLive;
  std::vector<int> inputs;    ///< value indices, -1 for an omitted one
  std::vector<int> outputs;   ///< value indices, -1 for an omitted one
  int through = -1;  ///< of a Transpose that is no node of the Graph: the one that it reads through
  std::vector<int> captured;  ///< outer values that its subgraphs use, without doubles
};

/// What stands behind a node of the Graph. Index: Node::origin.
struct OnnxUnit {
  enum class Kind : std::uint8_t {
    kInput,
    kOutput,
    kNodes,
    kConstantOutput,
    kLayout,  ///< a map as the file has it, N,H,W,C, from the Graph's N,C,H,W: nothing computes
  };
  /// Under which name a proto reads input `slot` of the Graph's node.
  struct Read {
    std::string name;
    std::uint32_t slot = 0;
    int view = -1;  ///< the Transpose that it reads through and that is no node of the Graph
  };
  Kind kind = Kind::kNodes;
  int port = -1;             ///< kInput, kOutput: index into the model's inputs or outputs
  std::vector<int> nodes;    ///< kNodes: OnnxNode indices in topological order
  std::vector<int> outputs;  ///< value index by output of the Graph's node
  std::vector<Read> reads;   ///< kNodes
  bool channels_last = false;  ///< kNodes: its protos read maps as N,H,W,C
  int view = -1;               ///< kLayout: the file's own Transpose; -1: it had none
};

/// The imported model: kept as parsed, and written out again from here. Immutable after import, so
/// that several threads may export at once.
class ModelSource : public Source {
 public:
  std::string path;
  onnx::ModelProto model;
  std::int64_t opset = 0;      ///< of ONNX's own domain; 0 when the model does not import it
  bool dynamic = false;        ///< has dynamic dimensions: two worlds
  bool external_data = false;  ///< some initializer lives in another file
  std::vector<OnnxValue> values;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxUnit> units;
  std::unordered_map<std::string, int> value_index;  ///< by name, main graph
  std::unordered_set<std::string> names;             ///< all value names, subgraphs included
  std::map<std::string, std::unique_ptr<MappedFile>> external_files;  ///< by location
  std::vector<std::string_view> external_bytes;  ///< of every tensor that lives in one of them

  /// The value behind aliases.
  int root(int value) const {
    while (values[static_cast<std::size_t>(value)].alias >= 0) {
      value = values[static_cast<std::size_t>(value)].alias;
    }
    return value;
  }
  const OnnxValue& value(int i) const { return values[static_cast<std::size_t>(i)]; }
  OnnxValue& value(int i) { return values[static_cast<std::size_t>(i)]; }
  OnnxNode& node(int i) { return nodes[static_cast<std::size_t>(i)]; }
  const OnnxNode& node(int i) const { return nodes[static_cast<std::size_t>(i)]; }

  /// Bytes of a stored tensor, wherever it lives; empty when it is stored in typed fields.
  std::string_view raw_bytes(const onnx::TensorProto& tensor) const;
};

/// "node 'conv1' (Conv)"; an unnamed node is named by its first output.
std::string describe(const onnx::NodeProto& node);

/// Calls `visit(name)` for every use in the subgraphs of `node` of a value that they do not define
/// themselves, `rename`: with the string to be changed in place.
void for_each_captured(const onnx::NodeProto& node,
                       const std::function<void(const std::string&)>& visit);
void rename_captured(onnx::NodeProto& node, const std::map<std::string, std::string>& names);

/// Reads and checks a file: parsed, version known, names unique and defined, weights as long as
/// their shapes, external data there, nodes in topological order. Shapes are not inferred yet.
/// @throws Error kInput, kUnsupported, kIo; starts with the path
std::shared_ptr<ModelSource> load_model(const std::string& path);

}  // namespace autogo
