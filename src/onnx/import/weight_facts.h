#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "autogo/onnx/operand_roles.h"
#include "import_view.h"

namespace autogo {

/// Finds the weights that nodes of an imported model read: their sizes as stored, and which of them
/// several nodes share.
class WeightFinder {
 public:
  explicit WeightFinder(const ImportView& view);

  /// Adds the weights of some nodes that are one operator to its facts. `shared` then holds all of
  /// them, until drop_unshared.
  void add(const std::vector<int>& nodes, OpKind op, Source::NodeFacts& facts);

  /// Leaves in `shared` what is: to be called when all facts are there.
  static void drop_unshared(std::vector<Source::NodeFacts>& facts);

 private:
  class InnerScope;
  struct Operand {
    int value;
    ConstantRole role;
    bool quantised;  ///< its reader works on integers: 32-bit ones may be weights too
  };
  /// A constant that a node of a subgraph reads: one of the subgraphs', or of the main graph.
  struct InnerConstant {
    const onnx::TensorProto* tensor = nullptr;
    int value = -1;
    std::int64_t elements = -1;
    bool known() const { return tensor != nullptr || value >= 0; }
  };

  void visit_node(int node, OpKind op);
  void visit_subgraph(const onnx::GraphProto& graph, const InnerScope* outer);
  void visit_subgraphs(const onnx::NodeProto& node, const InnerScope* outer);
  InnerConstant resolve(const std::string& name, const InnerScope& scope) const;
  void add_inner(const onnx::TensorProto& tensor, ConstantRole role, bool quantised);
  void follow(const Operand& first);
  void count(const Operand& operand);

  const ImportView& view_;
  std::vector<std::uint32_t> visited_;  ///< by value and role: the call of add that saw it last
  std::uint32_t call_ = 0;
  std::map<int, Source::SharedWeight> found_;      ///< by value, of this call
  Source::NodeFacts inner_;                        ///< weights inside subgraphs, of this call
  std::set<const onnx::TensorProto*> inner_seen_;  ///< of this call
};

}  // namespace autogo
