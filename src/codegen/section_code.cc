// Statements of a section, the way a person writes them.
//
// A value that only the next statement reads goes into it, up to a depth and not into the next
// convolution, so that a convolution, its normalisation and its activation share a line. Every
// other value gets a variable: the name of an operand that dies with the statement, or the first
// free one. Names so follow the branches: x and y in a residual block.
//
// Tested by tests/codegen/pytorch_test.cc.

#include "section_code.h"

#include <algorithm>
#include <array>

#include "autogo/base/error.h"

namespace autogo {
namespace {

constexpr std::size_t kInlineColumns = 80;
/// Operators on constants within one another: what a stack, and Python's parser, holds.
constexpr int kMostNested = 64;
constexpr std::size_t kLongestConstant = 8192;  ///< characters of their expression
constexpr std::array<const char*, 14> kNames = {"x", "y", "z", "a", "b", "c", "d",
                                                "e", "g", "h", "p", "q", "u", "v"};

PyExpr constant_number(const ConstantView& constant) {
  const std::string text = constant.number_text();
  return {text, text[0] != '-'};
}

}  // namespace

std::optional<double> Call::number(std::size_t i) const {
  const auto operand = constant(i);
  return operand && operand->single() ? std::optional(operand->number()) : std::nullopt;
}

std::optional<std::string> Call::number_text(std::size_t i) const {
  const auto operand = constant(i);
  if (!operand || !operand->single()) return std::nullopt;
  return operand->number_text();
}

/// Whether an operand is a tensor of at least that rank.
bool Call::gives_shape(std::size_t i, std::size_t rank) const {
  const auto fixed = constant(i);
  if (fixed) return fixed->elements() != 1 && fixed->dims.size() >= rank;
  if (!has(i)) return false;
  const Shape& shape = in_shape(i);
  return rank == 0 || (shape.has_rank() && static_cast<std::size_t>(shape.rank()) >= rank);
}

bool Call::is_number(std::size_t i) const {
  const auto fixed = constant(i);
  if (!fixed || fixed->elements() != 1) return false;
  for (std::size_t other = 0; other < op.inputs.size(); ++other) {
    if (other != i && gives_shape(other, fixed->dims.size())) return true;
  }
  return false;
}

PyExpr Call::term(std::size_t i) { return is_number(i) ? constant_number(*constant(i)) : in(i); }

DType Call::type() const {
  const DType own = op.outputs[0] < 0 ? DType::kUndefined : view.value(op.outputs[0]).dtype;
  return own == DType::kUndefined && has(0) ? in_type(0) : own;
}

std::optional<std::vector<std::int64_t>> Call::integers(const char* attribute,
                                                        std::size_t slot) const {
  if (attribute != nullptr) {
    if (const auto list = op.integers(attribute)) return list;
  }
  if (!has(slot)) return std::nullopt;
  const auto operand = constant(slot);
  if (!operand) refuse("input " + std::to_string(slot) + " is computed, expected a constant");
  return operand->integers();
}

std::size_t Call::rank(std::size_t i) const {
  if (!has(i) || !in_shape(i).has_rank()) refuse("the rank of its input is not known");
  return static_cast<std::size_t>(in_shape(i).rank());
}

std::size_t Call::axis(std::int64_t axis, std::size_t rank) const {
  const auto r = static_cast<std::int64_t>(rank);
  if (axis < -r || axis >= r) refuse("axis " + std::to_string(axis) + " is outside the rank");
  return static_cast<std::size_t>(axis < 0 ? axis + r : axis);
}

void Call::refuse(const std::string& why) const { throw Error(ErrorKind::kUnsupported, why); }

void require_single_output(const Call& call, const PyExpr& expr) {
  for (const int v : call.unit.outputs) {
    if (expr.tuple || v == call.op.outputs[0]) continue;
    const auto place = std::ranges::find(call.op.outputs, v) - call.op.outputs.begin();
    call.refuse("its output " + std::to_string(place) + " cannot be exported");
  }
}

SectionCode SectionEmitter::emit(const Section& section) {
  count_uses(section);
  for (const int v : section.inputs) {
    const std::string name = fresh_name();
    code_.arguments.push_back(name);
    values_[v] = {{name}, 0};
    owner_[v] = name;
  }
  for (std::size_t i = section.begin; i < section.end; ++i) {
    const Unit& unit = view_.units()[i];
    try {
      emit_unit(section, i);
    } catch (Error& e) {
      e.prepend(describe(view_.program(), unit.last()));
      throw;
    }
  }
  finish(section);
  return std::move(code_);
}

void SectionEmitter::count_uses(const Section& section) {
  for (std::size_t i = section.begin; i < section.end; ++i) {
    for (const int v : view_.units()[i].inputs) ++uses_[v];
  }
  for (const int v : section.outputs) ++uses_[v];
}

void SectionEmitter::emit_unit(const Section& section, std::size_t i) {
  const Unit& unit = view_.units()[i];
  depth_ = 0;
  Call call(*this, unit, unit.last());
  const PyExpr expr = dialect_.expression(call);
  release(unit);
  const int result = unit.outputs[0];
  const bool last = i + 1 == section.end;
  const bool single = unit.outputs.size() == 1 && uses_[result] == 1 && !expr.tuple;
  const bool returned = last && single && section.outputs == std::vector<int>{result};
  const bool read_next = !last && single && view_.units()[i + 1].inputs[0] == result &&
                         !is_weighted(view_.units()[i + 1]) && depth_ + 1 < dialect_.depth() &&
                         expr.text.size() < kInlineColumns;
  if (returned || read_next) {
    values_[result] = {expr, depth_ + 1};
  } else {
    assign(section, unit, expr);
  }
  dying_.clear();
}

void SectionEmitter::release(const Unit& unit) {
  for (const int v : unit.inputs) {
    const auto owner = owner_.find(v);
    if (--uses_[v] > 0 || owner == owner_.end()) continue;
    dying_.push_back(owner->second);
    taken_.erase(owner->second);
    owner_.erase(owner);
  }
}

void SectionEmitter::assign(const Section&, const Unit& unit, const PyExpr& expr) {
  std::string targets;
  for (const int v : unit.outputs) {
    std::string name;
    for (const std::string& dying : dying_) {
      if (name.empty() && !taken_.contains(dying)) name = dying;
    }
    if (name.empty()) name = fresh_name();
    taken_.insert(name);
    owner_[v] = name;
    values_[v] = {{name}, 0};
    targets += (targets.empty() ? "" : ", ") + name;
  }
  // A tuple with results that nobody reads keeps their places.
  const ProgramNode& op = unit.last();
  if (expr.tuple) {
    targets.clear();
    for (const int v : op.outputs) {
      const auto owner = owner_.find(v);
      const bool read = std::ranges::find(unit.outputs, v) != unit.outputs.end();
      targets += (targets.empty() ? "" : ", ") + (read ? owner->second : std::string("_"));
    }
  }
  code_.lines.push_back(targets + " = " + expr.text);
}

void SectionEmitter::finish(const Section& section) {
  std::string results;
  for (const int v : section.outputs) {
    results += (results.empty() ? "" : ", ") + values_.at(v).expr.text;
  }
  code_.lines.push_back("return " + results);
}

std::string SectionEmitter::fresh_name() {
  for (const char* name : kNames) {
    if (taken_.insert(name).second) return name;
  }
  for (int i = 1;; ++i) {
    std::string name = "t" + std::to_string(i);
    if (taken_.insert(name).second) return name;
  }
}

std::string SectionEmitter::add_layer(const std::string& stem, const std::string& constructor,
                                      std::vector<LayerWeight> weights) {
  const std::string name = stem + std::to_string(++counts_[stem]);
  code_.layers.push_back({name, constructor, std::move(weights)});
  return dialect_.layer(name, constructor);
}

PyExpr SectionEmitter::operand(int v) {
  if (!view_.computed(v)) return fixed_operand(v);
  const Pending& pending = values_.at(v);
  depth_ = std::max(depth_, pending.depth);
  return pending.expr;
}

PyExpr SectionEmitter::variable(int v) {
  if (!view_.computed(v)) return fixed_operand(v);
  Pending& pending = values_.at(v);
  if (pending.depth > 0) {
    const std::string name = fresh_name();
    code_.lines.push_back(name + " = " + pending.expr.text);
    pending = {{name}, 0};
    owner_[v] = name;
  }
  return pending.expr;
}

/// What operators compute from weights alone is computed where it is read.
PyExpr SectionEmitter::computed_operand(int v) {
  AUTOGO_REQUIRE(view_.producer(v) != nullptr, ErrorKind::kUnsupported,
                 "the constant '" + view_.value(v).name + "' is not stored as one");
  const ProgramNode& node = *view_.producer(v);
  Unit unit;
  unit.node = node.node;
  unit.operators = {&node};
  unit.outputs = {v};
  Call call(*this, unit, node);
  ++nested_;
  try {
    AUTOGO_REQUIRE(nested_ <= kMostNested, ErrorKind::kUnsupported,
                   "a constant operand that a chain of more than " + std::to_string(kMostNested) +
                       " operators computes");
    PyExpr made = dialect_.expression(call);
    AUTOGO_REQUIRE(made.text.size() <= kLongestConstant, ErrorKind::kUnsupported,
                   "a constant operand whose computation does not fit a line");
    --nested_;
    if (!made.tuple) return made;
    const auto place = std::ranges::find(node.outputs, v) - node.outputs.begin();
    return {grouped(made) + "[" + std::to_string(place) + "]"};
  } catch (Error& e) {
    --nested_;
    // The innermost one only: a table of numbers may come from a long chain of operators.
    if (!refused_) e.prepend("a constant operand needs " + describe(view_.program(), node));
    refused_ = true;
    throw;
  }
}

/// Some integers and numbers of rank 0 stand where they are read; others are weights of the
/// section.
PyExpr SectionEmitter::fixed_operand(int v) {
  if (const auto known = constants_.find(v); known != constants_.end()) return known->second;
  const auto view = view_.constant(v);
  if (!view) return constants_[v] = computed_operand(v);
  if (view->elements() == 1 && dialect_.takes_numbers()) return constant_number(*view);
  const bool small = view->floating() ? view->dims.empty() : view->elements() <= kMostNumbers;
  if (small) return dialect_.literal(*view);
  LayerWeight weight =
      view->floating() ? plain_weight("weight", *view) : integer_table("weight", *view);
  weight.trained = view->role == ConstantRole::kWeight;
  const std::string stem = weight.trained ? "weight" : "buffer";
  const std::string name = stem + std::to_string(++counts_[stem]);
  code_.layers.push_back({name, dialect_.constant_layer(weight), {weight}});
  const PyExpr expr = dialect_.constant_value(name, view->dtype);
  constants_[v] = expr;
  return expr;
}

}  // namespace autogo
