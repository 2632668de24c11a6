#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "network_view.h"
#include "python_text.h"
#include "sections.h"

namespace autogo {

/// Integers of a table that are written in the code; larger ones are stored with the weights.
inline constexpr std::int64_t kMostNumbers = 256;

/// A layer that a section holds: how it is made, and its weights.
struct LayerCode {
  std::string name;         ///< within the section: "conv1"
  std::string constructor;  ///< "nn.Conv2d(3, 64, 7)"
  std::vector<LayerWeight> weights;
};

/// The Python code of one section, without its first line.
struct SectionCode {
  std::vector<LayerCode> layers;
  std::vector<std::string> arguments;  ///< names of the section's inputs
  std::vector<std::string> lines;      ///< statements, the last one returns
};

class Call;
struct ClassCode;
struct SectionUse;

/// What the file's sections share.
struct FileState {
  std::set<std::string> helpers;      ///< names of those that were used
  std::map<int, bool> channels_last;  ///< Keras: how a map is stored, by program value
};

/// A framework's spelling of operators and layers.
class Dialect {
 public:
  virtual ~Dialect() = default;
  /// The expression of a unit; a tuple where it has several outputs.
  /// @throws Error kUnsupported, without naming the node
  virtual PyExpr expression(Call& call) const = 0;
  /// How a layer of the section is called: "self.conv1".
  virtual std::string layer(const std::string& name, const std::string& constructor) const = 0;
  /// A layer that holds one weight, and the expression of the weight as that type.
  virtual std::string constant_layer(const LayerWeight& weight) const = 0;
  virtual PyExpr constant_value(const std::string& layer, DType type) const = 0;
  /// A constant written in the code where a value of the network is expected: a small table of
  /// integers or truth values, or a number of rank 0.
  virtual PyExpr literal(const ConstantView& constant) const = 0;
  /// Whether numbers stand in the code wherever a constant has one element, of any rank.
  virtual bool takes_numbers() const = 0;
  /// How the network calls a section.
  virtual std::string call(const SectionUse& use, const ClassCode& made,
                           const std::string& arguments) const = 0;
  /// An output of the network, from the variable that holds it.
  virtual PyExpr result(const FileState& state, const Shape& shape, int v,
                        const std::string& name) const = 0;
  /// Before the first section. @throws Error kUnsupported
  virtual void start(FileState& state, const NetworkView& view) const = 0;
  /// Calls of calls on a line, at most.
  virtual int depth() const = 0;
};

class SectionEmitter {
 public:
  SectionEmitter(const NetworkView& view, const Dialect& dialect, FileState& file)
      : view_(view), dialect_(dialect), file_(file) {}
  /// @throws Error kUnsupported that names the node
  SectionCode emit(const Section& section);

 private:
  friend class Call;
  struct Pending {
    PyExpr expr;
    int depth = 0;  ///< calls within calls; 0: a variable
  };

  void emit_unit(const Section& section, std::size_t i);
  void assign(const Section& section, const Unit& unit, const PyExpr& expr);
  void finish(const Section& section);
  void count_uses(const Section& section);
  /// Variables that nobody reads any more are free for new names.
  void release(const Unit& unit);
  std::string fresh_name();
  std::string add_layer(const std::string& stem, const std::string& constructor,
                        std::vector<LayerWeight> weights);
  PyExpr operand(int v);
  PyExpr fixed_operand(int v);
  PyExpr computed_operand(int v);
  PyExpr variable(int v);

  const NetworkView& view_;
  const Dialect& dialect_;
  FileState& file_;
  SectionCode code_;
  std::map<int, Pending> values_;     ///< by program value
  std::map<int, int> uses_;           ///< left, by program value
  std::map<int, std::string> owner_;  ///< variable of a value
  std::vector<std::string> dying_;    ///< names that the current statement sets free
  std::set<std::string> taken_;
  std::map<std::string, int> counts_;  ///< layers by stem
  std::map<int, PyExpr> constants_;    ///< of layers and operators on constants, by program value
  int nested_ = 0;                     ///< operators on constants within one another, just now
  int depth_ = 0;                      ///< of the expression in hand
  bool refused_ = false;  ///< an operator behind a constant, named in the error already
};

/// What an operator's rule sees.
class Call {
 public:
  Call(SectionEmitter& emitter, const Unit& u, const ProgramNode& node)
      : view(emitter.view_), unit(u), op(node), emitter_(emitter) {}
  const NetworkView& view;
  const Unit& unit;
  const ProgramNode& op;

  bool has(std::size_t i) const { return i < op.inputs.size() && op.inputs[i] >= 0; }
  /// The value of an input. @throws Error kUnsupported when the node has none there
  int operand(std::size_t i) const {
    if (!has(i)) refuse("its input " + std::to_string(i) + " is missing");
    return op.inputs[i];
  }
  /// An operand: a variable, a weight of the section, a constant as the framework writes values.
  /// Call once for each.
  PyExpr in(std::size_t i) { return emitter_.operand(operand(i)); }
  /// An operand of arithmetic: as a number where it is one, beside an operand that gives the result
  /// its shape.
  PyExpr term(std::size_t i);
  /// Whether term(i) is a number.
  bool is_number(std::size_t i) const;
  /// The same as a variable, which may be written several times.
  PyExpr variable(std::size_t i) { return emitter_.variable(operand(i)); }
  /// The unit's only computed input.
  PyExpr x() {
    if (unit.inputs.empty()) refuse("it has no input");
    return emitter_.operand(unit.inputs[0]);
  }
  /// The constant behind an operand; nothing when it is computed or absent.
  std::optional<ConstantView> constant(std::size_t i) const {
    return has(i) ? view.constant(op.inputs[i]) : std::nullopt;
  }
  /// The one number of a constant operand.
  std::optional<double> number(std::size_t i) const;
  /// Its text, exact for integers of any size.
  std::optional<std::string> number_text(std::size_t i) const;
  /// Integers of an attribute, or of a constant operand. @throws Error kUnsupported: computed
  std::optional<std::vector<std::int64_t>> integers(const char* attribute, std::size_t slot) const;
  const Shape& in_shape(std::size_t i) const { return view.shape(operand(i)); }
  const Shape& out_shape() const {
    if (op.outputs.empty() || op.outputs[0] < 0) refuse("its first output is left out");
    return view.shape(op.outputs[0]);
  }
  DType in_type(std::size_t i) const { return view.value(operand(i)).dtype; }
  /// Of the first output, which most operators share with their first operand.
  DType type() const;
  /// Rank of an operand. @throws Error kUnsupported when it is not known
  std::size_t rank(std::size_t i) const;
  std::size_t axis(std::int64_t axis, std::size_t rank) const;
  /// A layer with weights; `stem` names it: "conv" gives "conv1", "conv2".
  std::string layer(const std::string& stem, const std::string& constructor,
                    std::vector<LayerWeight> weights) {
    return emitter_.add_layer(stem, constructor, std::move(weights));
  }
  /// Python's text of a helper stands in the file then.
  std::string helper(const std::string& name) {
    emitter_.file_.helpers.insert(name);
    return name;
  }
  FileState& file() { return emitter_.file_; }
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  bool gives_shape(std::size_t i, std::size_t rank) const;

  SectionEmitter& emitter_;
};

/// The classes (or functions) of a file: sections that differ in integers of their layers only
/// share one, which takes those as arguments.
struct ClassCode {
  std::string name;
  std::vector<std::string> parameters;    ///< names
  std::vector<std::string> constructors;  ///< of the layers, with parameters in place of numbers
  const SectionCode* code = nullptr;      ///< of the first section
};
struct SectionUse {
  std::size_t class_index = 0;
  std::vector<std::string> arguments;  ///< values of the parameters
  std::string name;                    ///< of the instance: "block3"
};
struct FileCode {
  std::vector<ClassCode> classes;
  std::vector<SectionUse> uses;  ///< by section
};
/// @throws Error kUnsupported when an output is read that the expression does not give
void require_single_output(const Call& call, const PyExpr& expr);
FileCode share_classes(const std::vector<Section>& sections, const std::vector<SectionCode>& codes);

}  // namespace autogo
