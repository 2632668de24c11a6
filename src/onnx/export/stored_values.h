#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autogo/graph/graph.h"
#include "model_writer.h"
#include "onnx/model_source.h"

namespace autogo {

/// Order of the axes in which a map stands in the written file, against the Graph's value.
enum class Stored : std::uint8_t {
  kAsTyped,       ///< as the value's type says
  kChannelsLast,  ///< N x H x W x C, where the value is N x C x H x W
};

/// Names of a Graph's values in the file that is being written, in both orders of axes. Nodes of
/// the source read and write maps in the order that their file has (OnnxUnit); where a reader wants
/// the other order than was written, the source's own Transpose is written, or a new one.
class StoredValues {
 public:
  StoredValues(const Graph& graph, const ModelSource* source, ModelWriter& writer);

  /// Gives every value its name; before anything else is asked.
  void assign_names();
  /// Names of the network's outputs, in order.
  const std::vector<std::string>& output_names() const { return output_names_; }

  /// The name under which the producer of a value writes it.
  const std::string& written(ValueId value, Stored stored = Stored::kAsTyped);
  /// The name under which a value is there in an order, after the conversion that it needs.
  /// @param view  index of the source's Transpose that the reader read through; -1: none
  std::string read(ValueId value, Stored stored = Stored::kAsTyped, int view = -1);
  /// The value of a layout node (OnnxUnit::kLayout) is another name of what it converts.
  void alias(ValueId value, std::string name);

  /// Name and type of everything that was written.
  std::vector<std::pair<std::string, TensorType>> types() const;

 private:
  struct Names {
    std::string typed, last;
    bool has_typed = false, has_last = false;  ///< it is in the file
    bool made_last = false;                    ///< the producer wrote it so
  };

  const OnnxUnit* unit(NodeId id) const;
  const OnnxValue* origin(ValueId id) const;
  std::string natural_name(ValueId id) const;
  std::string output_name(NodeId id, std::size_t i, std::size_t count);
  std::string fallback_name(ValueId id, const std::vector<NodeId>& inputs);
  /// A Transpose of the source that is written.
  struct View {
    ValueId value{};
    Stored order = Stored::kAsTyped;
    std::string name;
  };

  Names& names(ValueId id) { return names_[index(id)]; }
  bool& has(ValueId id, Stored stored) {
    return stored == Stored::kChannelsLast ? names(id).has_last : names(id).has_typed;
  }
  std::string& name_in(ValueId id, Stored stored);
  const std::string& converted(ValueId id, Stored stored, const std::string& from);

  const Graph& graph_;
  const ModelSource* source_;
  ModelWriter& writer_;
  std::vector<Names> names_;  // by ValueId
  std::vector<std::string> output_names_;
  std::map<int, View> views_;  // by the source's Transpose
};

}  // namespace autogo
