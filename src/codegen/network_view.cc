// What the generators read of a network.
//
// The program has one ONNX operator after another; a person would write a swish or a layer
// normalisation as one call. The Graph knows which operators belong together, because the importer
// found the idioms; those that have a call of their own become one unit, all others a unit an
// operator. So one table of ONNX operators serves whatever the importer recognised.
//
// Constants are looked at through the operators that only move or cast their numbers: a file may
// store a matrix and transpose it.
//
// Tested by tests/codegen/pytorch_test.cc.

#include "network_view.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include "autogo/base/error.h"
#include "python_text.h"

namespace autogo {
namespace {

using Ints = std::vector<std::int64_t>;

std::size_t at(int value) { return static_cast<std::size_t>(value); }

bool is_floating(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat64 || type == DType::kFloat16 ||
         type == DType::kBFloat16;
}

std::int64_t product(const Ints& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<float> permuted(const std::vector<float>& from, const Ints& dims,
                            const std::vector<std::size_t>& axes) {
  Ints strides(dims.size(), 1), out, step;
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  for (const std::size_t axis : axes) {
    out.push_back(dims[axis]);
    step.push_back(strides[axis]);
  }
  std::vector<float> to(from.size());
  Ints position(out.size(), 0);
  std::int64_t offset = 0;
  for (float& value : to) {
    value = from[static_cast<std::size_t>(offset)];
    for (std::size_t i = out.size(); i-- > 0;) {
      offset += step[i];
      if (++position[i] < out[i]) break;
      offset -= step[i] * out[i];
      position[i] = 0;
    }
  }
  return to;
}

/// Idioms that the back ends have a call for.
bool has_a_call(OpKind op) {
  using enum OpKind;
  return op == kSwish || op == kHardSwish || op == kGelu || op == kMish || op == kLayerNorm ||
         op == kDense;
}

/// A dynamic batch counts as 1 in inputs and outputs, too, as it does elsewhere.
Program with_batch(Program program) {
  for (const std::vector<int>* list : {&program.inputs, &program.outputs}) {
    for (const int v : *list) {
      Shape& shape = program.values[at(v)].shape;
      if (shape.rank() > 0 && shape[0] < 0) shape[0] = 1;
    }
  }
  return program;
}

/// A change of a constant's shape; with axes, of the order of its elements.
struct Move {
  Ints dims;  ///< the result's
  std::vector<std::size_t> axes;
};
using Moves = std::vector<Move>;

/// A shape takes the place of the one before, and a transposition goes into the one before.
void add_move(Moves& moves, Move move) {
  const bool transposes = !move.axes.empty();
  if (!moves.empty() && transposes == !moves.back().axes.empty()) {
    for (std::size_t& axis : move.axes) axis = moves.back().axes[axis];
    moves.back() = std::move(move);
  } else {
    moves.push_back(std::move(move));
  }
}

ProgramTensor moved(ProgramTensor tensor, const Moves& moves) {
  for (const Move& move : moves) {
    if (move.axes.empty() || tensor.splat) {
      tensor.dims = move.dims;
    } else {
      const std::string bytes = converted_bytes(tensor, DType::kFloat32);
      std::vector<float> values(bytes.size() / sizeof(float));
      std::memcpy(values.data(), bytes.data(), bytes.size());
      tensor = make_tensor(move.dims, permuted(values, tensor.dims, move.axes));
    }
  }
  return tensor;
}

Move transposition(const ProgramNode& node, const Ints& from) {
  Move move;
  const Ints perm = node.integers("perm").value_or(Ints{});
  const auto rank = static_cast<std::int64_t>(from.size());
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t axis = perm.empty() ? rank - 1 - i : perm.at(static_cast<std::size_t>(i));
    move.axes.push_back(static_cast<std::size_t>(axis < 0 ? axis + rank : axis));
    move.dims.push_back(from.at(move.axes.back()));
  }
  return move;
}

/// Takes a constant through an operator. @param to  shape of its output
/// @return false when the operator changes the numbers
bool pass(const ProgramNode& node, const Shape& to, ConstantView& view, Moves& moves) {
  const std::string& op = node.op_type;
  if (op == "Identity") return true;
  if (op == "Cast") {
    return is_floating(static_cast<DType>(node.integer("to", 0))) && view.floating();
  }
  Move move;
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze" ||
      op == "Expand") {
    // An Expand to as many elements is one of nothing: a class token.
    if (!to.known() || (op == "Expand" && to.elements() != view.elements())) return false;
    move.dims.assign(to.dims().begin(), to.dims().end());
  } else if (op == "Transpose" && view.floating()) {
    move = transposition(node, view.dims);
  } else {
    return false;
  }
  view.dims = move.dims;
  add_move(moves, std::move(move));
  return true;
}

/// A single number, whatever the dimensions that it is repeated over.
ProgramTensor one_element(ProgramTensor tensor) {
  if (tensor.splat) tensor.dims.clear();
  return tensor;
}

void add_once(std::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

}  // namespace

std::int64_t ConstantView::elements() const { return product(dims); }

bool ConstantView::floating() const { return is_floating(dtype); }

double ConstantView::number() const { return real_values(one_element(read())).at(0); }

std::string ConstantView::number_text() const {
  if (floating()) return py_float(number());
  const std::int64_t value = integer_values(one_element(read())).at(0);
  return dtype == DType::kBool ? py_bool(value != 0) : std::to_string(value);
}

std::vector<float> ConstantView::floats() const {
  const std::string bytes = converted_bytes(read(), DType::kFloat32);
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<std::int64_t> ConstantView::integers() const { return integer_values(read()); }

LayerWeight plain_weight(const std::string& name, const ConstantView& constant) {
  return reshaped_weight(name, constant, constant.dims);
}

LayerWeight reshaped_weight(const std::string& name, const ConstantView& constant, Ints dims) {
  AUTOGO_CHECK(product(dims) == constant.elements());
  return {name, std::move(dims), [constant] { return constant.floats(); }};
}

LayerWeight integer_table(const std::string& name, const ConstantView& constant) {
  return {name, constant.dims, nullptr, false, [constant] { return constant.integers(); }};
}

LayerWeight filled_weight(const std::string& name, std::int64_t size, float value) {
  return {name, {size}, [size, value] {
            return std::vector<float>(static_cast<std::size_t>(size), value);
          }};
}

LayerWeight permuted_weight(const std::string& name, const ConstantView& constant,
                            const std::vector<std::size_t>& axes) {
  AUTOGO_CHECK(axes.size() == constant.dims.size());
  Ints dims;
  for (const std::size_t axis : axes) dims.push_back(constant.dims[axis]);
  return {name, dims,
          [constant, axes] { return permuted(constant.floats(), constant.dims, axes); }};
}

bool is_weighted(const Unit& unit) {
  const std::string& op = unit.last().op_type;
  return op.starts_with("Conv") || op == "Gemm" || unit.idiom == OpKind::kDense ||
         (op == "MatMul" && unit.inputs.size() == 1);
}

NetworkView::NetworkView(const Graph& graph, Program program)
    : graph_(graph),
      program_(with_batch(std::move(program))),
      batch_(find_batch_axes(program_)),
      computed_(program_.values.size(), false),
      producer_(program_.values.size(), -1) {
  find_computed();
  make_units();
  drop_unneeded();
}

void NetworkView::find_computed() {
  for (const int input : program_.inputs) computed_[at(input)] = true;
  for (std::size_t n = 0; n < program_.nodes.size(); ++n) {
    const ProgramNode& node = program_.nodes[n];
    const bool computed =
        std::ranges::any_of(node.inputs, [&](int v) { return v >= 0 && computed_[at(v)]; });
    for (const int output : node.outputs) {
      if (output < 0) continue;
      producer_[at(output)] = static_cast<int>(n);
      computed_[at(output)] = computed;
    }
  }
}

const ProgramNode* NetworkView::producer(int v) const {
  const int node = producer_[at(v)];
  return node < 0 ? nullptr : &program_.nodes[at(node)];
}

bool NetworkView::shape_is_known(const ProgramNode& node) const {
  if (node.op_type != "Reshape" || node.outputs.empty() || node.outputs[0] < 0 ||
      node.inputs.size() < 2) {
    return false;
  }
  const int v = node.outputs[0];
  return shape(v).known() && (batch_axis(v) >= 0 || constant(node.inputs[1]).has_value());
}

std::optional<ConstantView> NetworkView::constant(int v) const {
  std::vector<int> chain;  // from the reader down to the stored numbers: as long as the file may be
  while (v >= 0 && !computed(v) && value(v).constant < 0) {
    const ProgramNode* node = producer(v);
    if (node == nullptr || !node->domain.empty() || node->inputs.empty()) return std::nullopt;
    chain.push_back(v);
    v = node->inputs[0];
  }
  if (v < 0 || computed(v)) return std::nullopt;
  const ProgramConstant& c = program_.constants[at(value(v).constant)];
  ConstantView view{c.tensor.dtype, c.tensor.dims, c.role, c.tensor.splat, nullptr};
  Moves moves;
  for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
    if (!pass(*producer(*step), shape(*step), view, moves)) return std::nullopt;
  }
  view.read = [tensor = c.tensor, moves] { return moved(tensor, moves); };
  return view;
}

/// Runs of operators of one node that have a call of their own become one unit.
void NetworkView::make_units() {
  std::vector<int> readers(program_.values.size(), 0);
  for (const ProgramNode& node : program_.nodes) {
    for (const int v : node.inputs) readers[at(std::max(v, 0))] += v >= 0 ? 1 : 0;
  }
  for (const int v : program_.outputs) ++readers[at(v)];
  std::vector<const ProgramNode*> nodes;
  for (const ProgramNode& node : program_.nodes) {
    const bool computed =
        std::ranges::any_of(node.outputs, [&](int v) { return v >= 0 && computed_[at(v)]; });
    if (computed) nodes.push_back(&node);
  }
  for (std::size_t begin = 0, end = 0; begin < nodes.size(); begin = end) {
    end = begin + 1;
    const NodeId id = nodes[begin]->node;
    while (end < nodes.size() && id != kNoNode && nodes[end]->node == id) ++end;
    Unit whole;
    whole.node = id;
    whole.operators.assign(nodes.begin() + static_cast<std::ptrdiff_t>(begin),
                           nodes.begin() + static_cast<std::ptrdiff_t>(end));
    if (fuse(whole)) {
      units_.push_back(std::move(whole));
      continue;
    }
    for (std::size_t n = begin; n < end; ++n) {
      Unit unit;
      unit.node = id;
      unit.operators = {nodes[n]};
      for (std::size_t i = 0; i < nodes[n]->inputs.size(); ++i) {
        const int v = nodes[n]->inputs[i];
        if (v >= 0 && computed(v) && (i == 0 || !shape_is_known(*nodes[n]))) {
          add_once(unit.inputs, v);
        }
      }
      for (const int v : nodes[n]->outputs) {
        if (v >= 0 && readers[at(v)] > 0) unit.outputs.push_back(v);
      }
      units_.push_back(std::move(unit));
    }
  }
}

bool NetworkView::fuse(Unit& unit) const {
  if (unit.node == kNoNode || unit.operators.size() < 2) return false;
  const OpKind op = graph_.node(unit.node).op;
  if (!has_a_call(op)) return false;
  std::vector<int> made;
  for (const ProgramNode* node : unit.operators) {
    for (const int v : node->inputs) {
      const bool inner = std::ranges::find(made, v) != made.end();
      if (v >= 0 && computed(v) && !inner) add_once(unit.inputs, v);
    }
    made.insert(made.end(), node->outputs.begin(), node->outputs.end());
  }
  unit.idiom = op;
  unit.outputs = {unit.last().outputs[0]};
  return unit.inputs.size() == 1;
}

void NetworkView::drop_unneeded() {
  std::vector<bool> needed(program_.values.size(), false);
  for (const int v : program_.outputs) needed[at(v)] = true;
  std::vector<Unit> kept;
  for (auto unit = units_.rbegin(); unit != units_.rend(); ++unit) {
    std::erase_if(unit->outputs, [&](int v) { return !needed[at(v)]; });
    if (unit->outputs.empty()) continue;
    for (const int v : unit->inputs) needed[at(v)] = true;
    kept.push_back(std::move(*unit));
  }
  std::ranges::reverse(kept);
  units_ = std::move(kept);
}

}  // namespace autogo
