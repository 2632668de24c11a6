// A network that was exported with a batch of 1 should train with a batch of 64. Most operators do
// not care. Reshapes do: the file says 197x768, and nothing in it tells which of the two the batch
// belongs to. This finds out.
//
// Rows of a tensor in memory: an axis that carries the batch has a fixed number S of elements to
// its right. A reshape keeps the order of elements, so in the result the batch stands where S
// elements are to its right, too. That place is inside an axis, or on the border between two:
//
// - an axis of the file's batch stands there: it is the batch (1,197,768 -> 1,196,...);
// - the result is two-dimensional, or the right axis is as long as the one before: the left axis,
//   the rows of a matrix (197,1,768 -> 197,768);
// - otherwise the right axis: it is split into heads, and frameworks merge the batch with heads
//   (197,1,768 -> 197,12,64).
//
// The other operators keep the axis or move it in the obvious way. A value whose axis is not known
// is left alone: then a batch other than the file's fails with a shape error, it does not compute
// nonsense. tests/network/net_module_test.cc runs batches against as many runs of one.

#include "autogo/program/batch_axis.h"

#include <algorithm>
#include <optional>
#include <string>

namespace autogo {
namespace {

using Dims = std::vector<std::int64_t>;

struct Place {
  int axis = -1;
  std::int64_t inner = 1;  ///< elements of the axis itself to the right of the batch
};

std::int64_t product(const Dims& dims, std::size_t from) {
  std::int64_t p = 1;
  for (std::size_t i = from; i < dims.size(); ++i) p *= dims[i];
  return p;
}

class Finder {
 public:
  explicit Finder(const Program& program) : program_(program), places_(program.values.size()) {}

  BatchAxes run() {
    BatchAxes result;
    for (const int input : program_.inputs) {
      const Shape& shape = value(input).shape;
      if (shape.rank() < 2) continue;
      if (shape[0] > 0 && result.file_batch == 0) result.file_batch = shape[0];
      const std::int64_t batch = shape[0] > 0 ? shape[0] : 1;  // as other values count it
      if (file_batch_ == 0) file_batch_ = batch;
      if (batch == file_batch_) place(input).axis = 0;
    }
    if (file_batch_ > 0) {
      for (const ProgramNode& node : program_.nodes) visit(node);
    }
    for (const Place& p : places_) result.axis.push_back(p.axis);
    return result;
  }

 private:
  const ProgramValue& value(int v) const { return program_.values[static_cast<std::size_t>(v)]; }
  Place& place(int v) { return places_[static_cast<std::size_t>(v)]; }
  int rank(int v) const { return value(v).shape.rank(); }
  static Dims dims(const Shape& shape) { return {shape.dims().begin(), shape.dims().end()}; }

  /// Values of an input that is constant.
  std::optional<Dims> numbers(const ProgramNode& node, const char* attribute, std::size_t slot) {
    if (const auto it = node.attributes.find(attribute); it != node.attributes.end()) {
      if (const auto* list = std::get_if<Dims>(&it->second)) return *list;
    }
    if (slot >= node.inputs.size() || node.inputs[slot] < 0) return std::nullopt;
    const int c = value(node.inputs[slot]).constant;
    if (c < 0) return std::nullopt;
    const ProgramTensor& tensor = program_.constants[static_cast<std::size_t>(c)].tensor;
    return tensor.dtype == DType::kInt64 ? std::optional(integer_values(tensor)) : std::nullopt;
  }

  void visit(const ProgramNode& node) {
    if (!node.domain.empty() || node.outputs.empty()) return;
    const std::string& op = node.op_type;
    if (op == "Shape" || op == "Size") return;
    if (op == "MatMul" || op == "Gemm" || op == "Einsum") return products(node);
    int from = -1;
    for (const int input : node.inputs) {
      if (from < 0 && input >= 0 && place(input).axis >= 0) from = input;
    }
    if (from < 0) return;
    Place p = place(from);
    if (op == "Transpose") {
      p = transposed(node, p, rank(from));
    } else if (op == "Reshape" && node.outputs[0] >= 0) {
      p = reshaped(dims(value(from).shape), dims(value(node.outputs[0]).shape), p);
    } else if (op == "Flatten") {
      const std::int64_t axis = node.integer("axis", 1);
      p = p.axis < (axis < 0 ? axis + rank(from) : axis) ? Place{0, 1} : Place{1, 1};
    } else if (op == "Squeeze" || op == "Unsqueeze" || op == "Gather" || op.starts_with("Reduce") ||
               op == "ArgMax" || op == "ArgMin") {
      p = moved(node, p, rank(from));
    } else {
      p = aligned(node, from, p);
    }
    for (const int output : node.outputs) {
      if (output >= 0) place(output) = p;
    }
  }

  /// The batch is in what is multiplied from the left, or in the leading axes of either.
  void products(const ProgramNode& node) {
    for (const int input : node.inputs) {
      if (input < 0 || place(input).axis < 0 || node.outputs[0] < 0) continue;
      Place p = place(input);
      if (node.op_type == "Gemm" || node.op_type == "MatMul") {
        if (node.op_type == "MatMul") p = aligned(node, input, p);
        if (node.op_type == "Gemm" && node.integer("transA", 0) != 0) p.axis = 1 - p.axis;
        place(node.outputs[0]) = p;
      }
      return;
    }
  }

  /// Operands broadcast from the right.
  Place aligned(const ProgramNode& node, int from, Place p) const {
    const int out = node.outputs.empty() || node.outputs[0] < 0 ? -1 : rank(node.outputs[0]);
    if (out >= 0 && rank(from) >= 0) p.axis += out - rank(from);
    return p;
  }

  static Place transposed(const ProgramNode& node, Place p, int rank) {
    const auto perm = node.integers("perm");
    if (!perm) return {rank - 1 - p.axis, p.inner};
    const auto at =
        std::ranges::find_if(*perm, [&](auto d) { return (d < 0 ? d + rank : d) == p.axis; });
    return at == perm->end() ? Place{} : Place{static_cast<int>(at - perm->begin()), p.inner};
  }

  /// Axes that come and go before the batch shift it.
  Place moved(const ProgramNode& node, Place p, int rank) {
    if (rank < 0) return {};
    if (node.op_type == "Gather") {
      const std::int64_t axis = node.integer("axis", 0);
      const std::int64_t gone = axis < 0 ? axis + rank : axis;
      if (gone == p.axis || node.inputs.size() < 2 || node.inputs[1] < 0) return {};
      const int added = this->rank(node.inputs[1]);
      if (added < 0) return {};
      return gone < p.axis ? Place{p.axis + added - 1, p.inner} : p;
    }
    const bool reduces = node.op_type != "Squeeze" && node.op_type != "Unsqueeze";
    if (reduces && node.integer("keepdims", 1) != 0) return p;
    auto axes = numbers(node, "axes", 1);
    if (!axes && reduces) {
      if (const auto it = node.attributes.find("axis"); it != node.attributes.end()) {
        axes = Dims{node.integer("axis", 0)};
      }
    }
    if (!axes) return {};
    const bool adds = node.op_type == "Unsqueeze";
    const std::int64_t whole = adds ? rank + static_cast<std::int64_t>(axes->size()) : rank;
    for (std::int64_t& axis : *axes) axis = axis < 0 ? axis + whole : axis;
    std::ranges::sort(*axes);
    int now = p.axis;
    for (const std::int64_t axis : *axes) {
      if (adds && axis <= now) ++now;
      if (!adds && axis == p.axis) return {};
      if (!adds && axis < p.axis) --now;
    }
    return {now, p.inner};
  }

  Place reshaped(const Dims& from, const Dims& to, Place p) const {
    const bool known = std::ranges::all_of(from, [](auto d) { return d > 0; }) &&
                       std::ranges::all_of(to, [](auto d) { return d > 0; });
    if (!known || from.empty() || to.empty()) return {};
    const auto axis = static_cast<std::size_t>(p.axis);
    const std::int64_t right = product(from, axis + 1) * p.inner;
    std::vector<std::size_t> holders;  // axes that may hold it
    for (std::size_t i = 0; i < to.size(); ++i) {
      const std::int64_t after = product(to, i + 1);
      if (after == right && to[i] == file_batch_) return {static_cast<int>(i), 1};
      if (after <= right && right * file_batch_ <= after * to[i]) holders.push_back(i);
    }
    if (holders.empty()) return {};
    std::size_t chosen = holders[0];
    if (holders.size() == 2) {  // on the border between two
      const bool same_right = axis + 1 < from.size() && from[axis + 1] == to[holders[1]];
      chosen = holders[to.size() == 2 || same_right ? 0 : 1];
    }
    return {static_cast<int>(chosen), right / product(to, chosen + 1)};
  }

  const Program& program_;
  std::int64_t file_batch_ = 0;
  std::vector<Place> places_;
};

}  // namespace

BatchAxes find_batch_axes(const Program& program) { return Finder(program).run(); }

}  // namespace autogo
