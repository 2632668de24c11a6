// Which operands of ONNX's operators are trained.
//
// ONNX says nothing about it: a convolution's filter and the axes of a reshape are both
// initializers. The operator that reads a constant decides, by the slot: filters, matrices, scales,
// biases, slopes and embeddings are weights, the statistics of batch normalisation are buffers.
// Indices, bounds, scales of a resize or a quantisation, windows, masks, initial states are fixed.
//
// A constant operand of Add or Mul is a weight when it has more than one element (a bias written as
// a node of its own, a layer normalisation spelled out, a position embedding), and so is one that
// is joined, stretched or cut to computed sizes (a class token, a position embedding) or asked for
// by attention (learned queries). A single number is part of a formula, and Sub and Div by a
// constant are how pictures are normalised at the input.
//
// Of operators in other domains nothing is known: what has several elements counts as a weight.
//
// Tested by tests/onnx/facts_test.cc and tests/program/program_test.cc.

#include "autogo/onnx/operand_roles.h"

#include <algorithm>
#include <array>

namespace autogo {
namespace {

/// One letter a slot, the last one counts for all that follow: w weight, b buffer, m weight when it
/// has more than one element, - fixed. An operator without a row has fixed operands only.
struct SlotRoles {
  std::string_view op, slots;
};

constexpr SlotRoles kSlotRoles[] = {
    {"Add", "m"},
    {"Attention", "mmm-"},
    {"BatchNormalization", "-wwbb"},
    {"Concat", "m"},
    {"Conv", "-w"},
    {"ConvInteger", "-w-"},
    {"ConvTranspose", "-w"},
    {"DeformConv", "-w-w-"},
    {"DequantizeLinear", "w-"},
    {"Einsum", "w"},
    {"Expand", "m-"},
    {"GRU", "-www-"},
    {"Gather", "w-"},
    {"GatherElements", "w-"},
    {"GatherND", "w-"},
    {"Gemm", "w"},
    {"GroupNormalization", "-w"},
    {"InstanceNormalization", "-w"},
    {"LSTM", "-www---w"},  // the last: peepholes
    {"LayerNormalization", "-w"},
    {"MatMul", "w"},
    {"MatMulInteger", "ww-"},
    {"Mul", "m"},
    {"PRelu", "-w"},
    {"QLinearConv", "---w----w"},
    {"QLinearMatMul", "w--w-"},
    {"RMSNormalization", "-w"},
    {"RNN", "-www-"},
    {"Reshape", "m-"},
    {"Resize", "m-"},
    {"Slice", "m-"},
    {"Sum", "m"},
    {"Tile", "m-"},
};

/// Operators that take the content of their first operand only, the others say how.
constexpr std::array<std::string_view, 26> kFirstOnly = {
    "Cast",         "CastLike", "Clip",    "CumSum",       "DequantizeLinear",
    "DepthToSpace", "Expand",   "Flatten", "Gather",       "GatherElements",
    "GatherND",     "Identity", "Pad",     "PRelu",        "QuantizeLinear",
    "Reshape",      "Resize",   "Slice",   "SpaceToDepth", "Split",
    "Squeeze",      "Tile",     "TopK",    "Transpose",    "Trilu",
    "Unsqueeze"};

/// Operators whose output holds nothing of what their operands hold: sizes, indices, new tensors.
constexpr std::array<std::string_view, 9> kNone = {"ArgMax",  "ArgMin",  "ConstantOfShape",
                                                   "EyeLike", "NonZero", "OneHot",
                                                   "Range",   "Shape",   "Size"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view op) {
  return std::ranges::find(names, op) != names.end();
}

ConstantRole role_of(char letter, std::int64_t elements) {
  const bool several = elements < 0 || elements > 1;
  if (letter == 'w' || (letter == 'm' && several)) return ConstantRole::kWeight;
  return letter == 'b' ? ConstantRole::kBuffer : ConstantRole::kFixed;
}

}  // namespace

ConstantRole operand_role(std::string_view domain, std::string_view op, std::size_t slot,
                          std::int64_t elements) {
  if (!domain.empty() && domain != "ai.onnx") return role_of('m', elements);
  for (const SlotRoles& row : kSlotRoles) {
    if (row.op == op) return role_of(row.slots[std::min(slot, row.slots.size() - 1)], elements);
  }
  return ConstantRole::kFixed;
}

bool passes_role(std::string_view op, std::size_t slot, std::int64_t elements) {
  if (contains(kNone, op)) return false;
  if (slot == 0 && op != "Where") return true;
  if (contains(kFirstOnly, op) || slot == 0) return false;
  return elements < 0 || elements > 1;
}

}  // namespace autogo
