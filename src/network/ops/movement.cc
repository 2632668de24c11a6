// Operators that move elements without computing: reshapes, transposes, joins, slices.
//
// Reshape and Expand are where a file fixes the batch: the target shape holds it as a number. Where
// the batch axis of the result is known (autogo/onnx/batch_axis.h), that number is scaled by the
// ratio of the batch that runs to the file's.
//
// Tested by tests/network/operators_test.cc and tests/network/batch_test.cc.

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "step.h"

namespace autogo {
namespace {

using at::Tensor;
using Ints = std::vector<std::int64_t>;

/// The file's number for a dimension that carries the batch, for the batch that runs.
std::int64_t scaled(std::int64_t dim, const Frame& frame) {
  AUTOGO_REQUIRE(dim * frame.batch % frame.file_batch == 0, ErrorKind::kUnsupported,
                 "a batch of " + std::to_string(frame.batch) +
                     " does not fit a network that fixes its batch to " +
                     std::to_string(frame.file_batch));
  return dim * frame.batch / frame.file_batch;
}

Kernel reshape(const KernelNode& view) {
  const Integers target(view, view.opset() < 5 ? "shape" : nullptr, 1);
  const bool zero_is_zero = view.node.integer("allowzero", 0) != 0;
  const int axis = view.batch_axis;
  return [target, zero_is_zero, axis](KernelCall& c) {
    const Tensor& x = c.in(0);
    Ints dims = target.get(c);
    const Frame& frame = c.frame();
    const auto at = static_cast<std::size_t>(axis);
    if (target.known() && frame.batch != frame.file_batch && axis >= 0 && at < dims.size() &&
        dims[at] > 0) {
      dims[at] = scaled(dims[at], frame);
    }
    for (std::size_t i = 0; i < dims.size() && !zero_is_zero; ++i) {
      if (dims[i] == 0) dims[i] = x.size(static_cast<std::int64_t>(i));
    }
    c.out(at::reshape(x, dims));
  };
}

Kernel flatten(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", 1);
  return [axis](KernelCall& c) {
    const Tensor& x = c.in(0);
    const std::int64_t a = axis == x.dim() ? axis : positive_axis(axis, x.dim());
    std::int64_t rows = 1;
    for (std::int64_t d = 0; d < a; ++d) rows *= x.size(d);
    c.out(at::reshape(x, {rows, rows == 0 ? 0 : x.numel() / rows}));
  };
}

Kernel transpose(const KernelNode& view) {
  const auto order = view.node.integers("perm");
  return [order](KernelCall& c) {
    if (order) {
      c.out(c.in(0).permute(*order));
      return;
    }
    Ints reversed(static_cast<std::size_t>(c.in(0).dim()));
    for (std::size_t i = 0; i < reversed.size(); ++i) {
      reversed[i] = static_cast<std::int64_t>(reversed.size() - 1 - i);
    }
    c.out(c.in(0).permute(reversed));
  };
}

Kernel squeeze(const KernelNode& view) {
  const Integers axes(view, "axes", 1);
  return [axes](KernelCall& c) {
    Tensor x = c.in(0);
    if (!axes.given()) {
      c.out(x.squeeze());
      return;
    }
    Ints over = axes.get(c);
    for (std::int64_t& axis : over) axis = positive_axis(axis, x.dim());
    std::ranges::sort(over, std::greater<>());
    for (const std::int64_t axis : over) {
      AUTOGO_REQUIRE(x.size(axis) == 1, ErrorKind::kUnsupported,
                     "squeezes axis " + std::to_string(axis) + " of size " +
                         std::to_string(x.size(axis)) + "; it runs with a batch of 1 only");
      x = x.squeeze(axis);
    }
    c.out(x);
  };
}

Kernel unsqueeze(const KernelNode& view) {
  const Integers axes(view, "axes", 1);
  return [axes](KernelCall& c) {
    Tensor x = c.in(0);
    Ints added = axes.get(c);
    const std::int64_t rank = x.dim() + static_cast<std::int64_t>(added.size());
    for (std::int64_t& axis : added) axis = positive_axis(axis, rank);
    std::ranges::sort(added);
    for (const std::int64_t axis : added) x = x.unsqueeze(axis);
    c.out(x);
  };
}

/// Operands of size 1 where others have the batch are repeated: a class token that the file
/// expanded to its own batch.
Kernel concat(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", 1);
  return [axis](KernelCall& c) {
    std::vector<Tensor> parts;
    for (std::size_t i = 0; i < c.num_inputs(); ++i) {
      const auto [part, first] = together(c.in(i), i == 0 ? c.in(0) : parts[0]);
      if (i > 0) parts[0] = first;
      parts.push_back(part);
    }
    const Frame& frame = c.frame();
    if (frame.batch != frame.file_batch && parts[0].dim() > 0) {
      const std::int64_t a = positive_axis(axis, parts[0].dim());
      for (std::int64_t d = 0; d < parts[0].dim(); ++d) {
        if (d == a) continue;
        std::int64_t most = 1;
        for (const Tensor& part : parts) most = std::max(most, part.size(d));
        for (Tensor& part : parts) {
          if (part.size(d) == most || part.size(d) != frame.file_batch) continue;
          Ints dims(part.sizes().begin(), part.sizes().end());
          dims[static_cast<std::size_t>(d)] = most;
          part = part.narrow(d, 0, 1).expand(dims);
        }
      }
    }
    c.out(at::cat(parts, axis));
  };
}

Kernel split(const KernelNode& view) {
  const std::int64_t axis = view.node.integer("axis", 0);
  const Integers sizes(view, "split", 1);
  return [axis, sizes](KernelCall& c) {
    const Tensor& x = c.in(0);
    const auto parts = static_cast<std::int64_t>(c.num_outputs());
    const std::int64_t a = positive_axis(axis, x.dim()), whole = x.size(a);
    const std::int64_t each = (whole + parts - 1) / parts;
    const Ints given = sizes.given() ? sizes.get(c) : Ints{};
    std::int64_t from = 0;
    for (std::int64_t i = 0; i < parts; ++i) {
      const std::int64_t size =
          given.empty() ? std::min(each, whole - from) : given.at(static_cast<std::size_t>(i));
      c.out(x.narrow(a, from, size), static_cast<std::size_t>(i));
      from += size;
    }
  };
}

/// One axis of a Slice with a negative step: picked by an index.
Tensor slice_backwards(const Tensor& x, std::int64_t axis, std::int64_t start, std::int64_t end,
                       std::int64_t step) {
  const std::int64_t size = x.size(axis);
  if (start < 0) start += size;
  if (end < 0 && end >= -size) end += size;
  start = std::clamp<std::int64_t>(start, 0, size - 1);
  end = std::clamp<std::int64_t>(end, -1, size - 1);
  const std::int64_t count = start > end ? (start - end - step - 1) / -step : 0;
  Tensor index = at::arange(count, at::TensorOptions().dtype(at::kLong).device(x.device()));
  return x.index_select(axis, at::add(at::mul(index, step), start));
}

Kernel slice(const KernelNode& view) {
  const bool attributes = view.opset() < 10;
  const Integers starts(view, attributes ? "starts" : nullptr, 1);
  const Integers ends(view, attributes ? "ends" : nullptr, 2);
  const Integers axes(view, attributes ? "axes" : nullptr, 3), steps(view, nullptr, 4);
  return [starts, ends, axes, steps](KernelCall& c) {
    Tensor x = c.in(0);
    const Ints from = starts.get(c), to = ends.get(c);
    const Ints over = axes.given() ? axes.get(c) : Ints{};
    const Ints by = steps.given() ? steps.get(c) : Ints{};
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::int64_t axis =
          over.empty() ? static_cast<std::int64_t>(i) : positive_axis(over[i], x.dim());
      const std::int64_t step = by.empty() ? 1 : by[i];
      x = step > 0 ? at::slice(x, axis, from[i], to[i], step)
                   : slice_backwards(x, axis, from[i], to[i], step);
    }
    c.out(x);
  };
}

Kernel expand(const KernelNode& view) {
  const Integers target(view, nullptr, 1);
  const int axis = view.batch_axis;
  return [target, axis](KernelCall& c) {
    const Tensor& x = c.in(0);
    Ints dims = target.get(c);
    const Frame& frame = c.frame();
    if (target.known() && frame.batch != frame.file_batch && axis >= 0) {
      const auto at = static_cast<std::size_t>(axis);
      if (at < dims.size() && dims[at] > 1) dims[at] = scaled(dims[at], frame);
    }
    // Either side may be the larger one.
    const auto rank = std::max(dims.size(), static_cast<std::size_t>(x.dim()));
    dims.insert(dims.begin(), rank - dims.size(), 1);
    for (std::size_t i = 0; i < static_cast<std::size_t>(x.dim()); ++i) {
      std::int64_t& dim = dims[rank - 1 - i];
      if (dim == 1) dim = x.size(x.dim() - 1 - static_cast<std::int64_t>(i));
    }
    c.out(x.expand(dims));
  };
}

Kernel tile(const KernelNode& view) {
  const Integers repeats(view, nullptr, 1);
  return [repeats](KernelCall& c) { c.out(c.in(0).repeat(repeats.get(c))); };
}

Kernel depth_to_space(const KernelNode& view) {
  const std::int64_t b = view.node.integer("blocksize", 1);
  const bool crd = view.node.text("mode", "DCR") == "CRD";
  if (crd) {
    return [b](KernelCall& c) { c.out(at::pixel_shuffle(c.in(0), b)); };
  }
  return [b](KernelCall& c) {
    const Tensor& x = c.in(0);
    const std::int64_t n = x.size(0), ch = x.size(1) / (b * b), h = x.size(2), w = x.size(3);
    c.out(
        x.reshape({n, b, b, ch, h, w}).permute({0, 3, 4, 1, 5, 2}).reshape({n, ch, h * b, w * b}));
  };
}

Kernel space_to_depth(const KernelNode& view) {
  const std::int64_t b = view.node.integer("blocksize", 1);
  return [b](KernelCall& c) {
    const Tensor& x = c.in(0);
    const std::int64_t n = x.size(0), ch = x.size(1), h = x.size(2) / b, w = x.size(3) / b;
    c.out(
        x.reshape({n, ch, h, b, w, b}).permute({0, 3, 5, 1, 2, 4}).reshape({n, ch * b * b, h, w}));
  };
}

/// Mirrors or repeats the border of one axis; LibTorch's own cover the last axes only.
Tensor pad_by_index(const Tensor& x, std::int64_t axis, std::int64_t before, std::int64_t after,
                    const std::string& mode) {
  const std::int64_t size = x.size(axis);
  Ints index;
  for (std::int64_t i = -before; i < size + after; ++i) {
    std::int64_t at = std::clamp<std::int64_t>(i, 0, size - 1);
    if (mode == "reflect") at = i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
    if (mode == "wrap") at = (i % size + size) % size;
    AUTOGO_REQUIRE(at >= 0 && at < size, ErrorKind::kInput,
                   "reflects more than axis " + std::to_string(axis) + " has");
    index.push_back(at);
  }
  const Tensor picked = at::tensor(index, at::kLong).to(x.device());
  return x.index_select(axis, picked);
}

Kernel pad(const KernelNode& view) {
  const bool attributes = view.opset() < 11;
  const Integers pads(view, attributes ? "pads" : nullptr, 1), axes(view, nullptr, 3);
  const std::string mode = view.node.text("mode", "constant");
  const double given = view.node.real("value", 0);
  return [attributes, pads, axes, mode, given](KernelCall& c) {
    Tensor x = c.in(0);
    const Ints amounts = pads.get(c);
    Ints over = !attributes && axes.given() ? axes.get(c) : Ints{};
    if (over.empty()) {
      for (std::int64_t d = 0; d < x.dim(); ++d) over.push_back(d);
    }
    const std::size_t count = over.size();
    AUTOGO_REQUIRE(amounts.size() == 2 * count, ErrorKind::kInput,
                   "pads has " + std::to_string(amounts.size()) + " entries, expected " +
                       std::to_string(2 * count));
    Ints order(2 * static_cast<std::size_t>(x.dim()), 0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t axis = positive_axis(over[i], x.dim());
      const std::int64_t before = amounts[i], after = amounts[i + count];
      if (mode != "constant" && (before > 0 || after > 0)) {
        x = pad_by_index(x, axis, std::max<std::int64_t>(before, 0),
                         std::max<std::int64_t>(after, 0), mode);
      }
      const auto last = 2 * static_cast<std::size_t>(x.dim() - 1 - axis);
      order[last] = mode == "constant" ? before : std::min<std::int64_t>(before, 0);
      order[last + 1] = mode == "constant" ? after : std::min<std::int64_t>(after, 0);
    }
    const double value = !attributes && c.has(2) ? c.in(2).item<double>() : given;
    c.out(at::constant_pad_nd(x, order, value));
  };
}

constexpr KernelRow kRows[] = {
    {"Concat", concat},
    {"DepthToSpace", depth_to_space},
    {"Expand", expand},
    {"Flatten", flatten},
    {"Pad", pad},
    {"Reshape", reshape},
    {"Slice", slice},
    {"SpaceToDepth", space_to_depth},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Tile", tile},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

std::span<const KernelRow> movement_operators() { return kRows; }

}  // namespace autogo
