// Shape rules of operators that give another view of the same elements, or their mean over axes;
// the rest of the table's rules is in shape_rules.cc.
//
// Tested by tests/graph/shape_rules_test.cc.

#include <algorithm>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/graph/reshape.h"
#include "shape_rules.h"

namespace autogo {
namespace {

/// N,C,H,W to N,C,HW keeps the channels first (a vision transformer's patches), N,HW,C to N,H,W,C
/// keeps them last (Swin's windows); everything else starts afresh from its rank.
Layout reshaped_layout(const TensorType& in, const Shape& out) {
  const Shape& from = in.shape;
  if (from.rank() < 3 || from.rank() > 4 || out.rank() < 3 || out.rank() > 4 ||
      from.rank() == out.rank() || from[0] != out[0]) {
    return default_layout(out);
  }
  const auto last_in = static_cast<std::size_t>(from.rank()) - 1;
  const auto last_out = static_cast<std::size_t>(out.rank()) - 1;
  if (in.layout == Layout::kChannelsFirst && from[1] == out[1]) return in.layout;
  if (in.layout == Layout::kChannelsLast && from[last_in] == out[last_out]) return in.layout;
  return default_layout(out);
}

}  // namespace

namespace shape_rules {

void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

void require_known(const TensorType& type) {
  if (!type.shape.known()) fail("input shape " + to_string(type.shape) + " is not fully known");
}

std::size_t normal_axis(std::int64_t axis, int rank, OpKind kind) {
  if (axis < -rank || axis >= rank) {
    fail(std::string(op_name(kind)) + " axis " + std::to_string(axis) + " is outside rank " +
         std::to_string(rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

TensorType flatten_rule(const Attrs& a, const TensorType& in) {
  require_known(in);
  const int rank = in.shape.rank();
  const std::int64_t axis = a.axis < 0 ? a.axis + rank : a.axis;
  if (axis < 0 || axis > rank)
    fail("flatten axis " + std::to_string(a.axis) + " is outside the rank");
  std::int64_t rows = 1, columns = 1;
  for (int i = 0; i < rank; ++i) {
    (i < axis ? rows : columns) *= in.shape[static_cast<std::size_t>(i)];
  }
  return {in.dtype, Layout::kChannelsLast, Shape{rows, columns}};
}

TensorType reshape_rule(const Attrs& a, const TensorType& in) {
  require_known(in);
  std::vector<std::int64_t> dims = a.ints;
  std::int64_t known = 1;
  std::ptrdiff_t inferred = -1;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && a.axis == 1) {  // 0 copies the input's, unless allowzero (axis 0)
      if (i >= in.shape.dims().size())
        fail("reshape copies dimension " + std::to_string(i) + " of an input of rank " +
             std::to_string(in.shape.rank()));
      dims[i] = in.shape[i];
    }
    if (dims[i] < 0) {
      if (inferred >= 0) fail("reshape with more than one -1");
      inferred = static_cast<std::ptrdiff_t>(i);
    } else {
      known *= dims[i];
    }
  }
  const std::int64_t elements = in.shape.elements();
  if (inferred >= 0) {
    if (known == 0 || elements % known != 0) {
      fail("reshape of " + to_string(in.shape) + " cannot infer its -1");
    }
    dims[static_cast<std::size_t>(inferred)] = elements / known;
  } else if (known != elements) {
    fail("reshape of " + to_string(in.shape) + " to " + to_string(Shape(dims)) +
         " changes the number of elements");
  }
  const Shape shape(dims);
  const bool last = a.text == kReshapeChannelsLast && shape.rank() == 4;
  return {in.dtype, last ? Layout::kChannelsLast : reshaped_layout(in, shape), shape};
}

TensorType transpose_rule(const Attrs& a, const TensorType& in) {
  require_known(in);
  const auto rank = static_cast<std::size_t>(in.shape.rank());
  std::vector<std::int64_t> sorted = a.ints;
  std::ranges::sort(sorted);
  bool valid = sorted.size() == rank;
  for (std::size_t i = 0; valid && i < rank; ++i) valid = sorted[i] == static_cast<std::int64_t>(i);
  if (!valid) fail("transpose with a permutation that does not fit " + to_string(in.shape));
  TensorType out = in;
  for (std::size_t i = 0; i < rank; ++i)
    out.shape[i] = in.shape[static_cast<std::size_t>(a.ints[i])];
  out.layout = Layout::kNone;
  if (rank >= 2 && rank <= 4 && in.layout != Layout::kNone && a.ints[0] == 0) {
    const auto channel =
        static_cast<std::int64_t>(in.layout == Layout::kChannelsFirst ? 1 : rank - 1);
    if (a.ints[1] == channel) out.layout = Layout::kChannelsFirst;
    if (a.ints[rank - 1] == channel) out.layout = Layout::kChannelsLast;
  }
  return out;
}

TensorType reduce_mean_rule(const Attrs& a, const TensorType& in) {
  require_known(in);
  const bool keep = a.axis == 1;
  std::vector<bool> reduced(static_cast<std::size_t>(in.shape.rank()), a.ints.empty());
  for (const std::int64_t axis : a.ints) {
    reduced[normal_axis(axis, in.shape.rank(), OpKind::kReduceMean)] = true;
  }
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < reduced.size(); ++i) {
    if (!reduced[i])
      dims.push_back(in.shape[i]);
    else if (keep)
      dims.push_back(1);
  }
  const Shape shape(dims);
  return {in.dtype, keep ? in.layout : default_layout(shape), shape};
}

}  // namespace shape_rules
}  // namespace autogo
