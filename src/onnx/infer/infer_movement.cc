// Dimensions of operators that move data without computing: reshapes, slices, joins, resizing.
//
// Tested by tests/onnx/infer_test.cc.

#include <algorithm>
#include <cmath>
#include <set>

#include "infer.h"
#include "infer_detail.h"

namespace autogo {
namespace {

using namespace infer_detail;

Values concat(const NodeView& n) {
  require_input(n, 0);
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(0), std::nullopt);
  if (find_attribute(n.proto(), "axis") == nullptr) fail("attribute 'axis' is missing");
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 1), out->size());
  for (std::size_t i = 1; i < n.num_inputs(); ++i) {
    const Dims& in = n.dims(i);
    if (!in) return one(n.dtype(0), std::nullopt);
    bool fits = in->size() == out->size();
    for (std::size_t d = 0; fits && d < in->size(); ++d) {
      if (d == axis) continue;
      fits = (*in)[d] < 0 || (*out)[d] < 0 || (*in)[d] == (*out)[d];
      if (fits && (*out)[d] < 0) (*out)[d] = (*in)[d];
    }
    if (!fits) {
      fail("Concat of " + dims_text(n.dims(0)) + " and " + dims_text(in) + " over axis " +
           std::to_string(axis) + ": the other dimensions differ");
    }
    std::int64_t& total = (*out)[axis];
    total = total < 0 || (*in)[axis] < 0 ? -1 : add(total, (*in)[axis]);
  }
  return one(n.dtype(0), out);
}

Values reshape(const NodeView& n) {
  require_input(n, 1);
  const auto wanted = n.ints(1);
  if (!wanted) {  // the length of the shape input still tells the rank
    const Dims& shape = n.dims(1);
    const bool rank_known = shape && shape->size() == 1 && (*shape)[0] >= 0 && (*shape)[0] < 64;
    const std::int64_t size = num_elements(n.dims(0));
    if (rank_known && (*shape)[0] == 0 && size >= 0 && size != 1) {
      fail("Reshape of " + dims_text(n.dims(0)) + " to a scalar: the number of elements differs");
    }
    return one(n.dtype(0),
               rank_known ? Dims(Ints(static_cast<std::size_t>((*shape)[0]), -1)) : std::nullopt);
  }
  const Dims& in = n.dims(0);
  const bool copy_zero = attribute_int(n.proto(), "allowzero", 0) == 0;
  Ints out = *wanted;
  std::int64_t known = 1;
  std::ptrdiff_t inferred = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && copy_zero) {
      if (in && i >= in->size()) {
        fail("Reshape copies dimension " + std::to_string(i) + " of " + dims_text(in));
      }
      out[i] = in ? (*in)[i] : -1;
      known = multiply(known, out[i]);
    } else if (out[i] == -1) {
      if (inferred >= 0) fail("Reshape with more than one -1");
      inferred = static_cast<std::ptrdiff_t>(i);
    } else {
      if (out[i] < 0) fail("Reshape to a dimension of " + std::to_string(out[i]));
      known = multiply(known, out[i]);
    }
  }
  const std::int64_t elements = num_elements(in);
  if (elements >= 0 && known >= 0) {
    const bool fits = inferred < 0 ? known == elements : known > 0 && elements % known == 0;
    if (!fits) {
      fail("Reshape of " + dims_text(in) + " to " + dims_text(*wanted) +
           ": the number of elements differs");
    }
    if (inferred >= 0) out[static_cast<std::size_t>(inferred)] = elements / known;
  }
  return one(n.dtype(0), out);
}

Values transpose(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(n.dtype(0), n.dims(0));
  const auto given = attribute_ints(n.proto(), "perm");
  Ints out;
  std::vector<bool> seen(in->size(), false);
  if (given && given->size() != in->size())
    fail("Transpose of " + dims_text(in) + ": perm has " + std::to_string(given->size()) +
         " entries");
  for (std::size_t i = 0; i < in->size(); ++i) {
    const std::size_t from = given ? checked_axis((*given)[i], in->size()) : in->size() - 1 - i;
    if (seen[from]) fail("Transpose: perm names axis " + std::to_string(from) + " twice");
    seen[from] = true;
    out.push_back((*in)[from]);
  }
  return one(n.dtype(0), out);
}

Values flatten(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(n.dtype(0), Ints{-1, -1});
  const std::int64_t rank = static_cast<std::int64_t>(in->size());
  std::int64_t axis = attribute_int(n.proto(), "axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) fail("Flatten axis is outside the rank of " + dims_text(in));
  std::int64_t rows = 1, columns = 1;
  for (std::int64_t i = 0; i < rank; ++i) {
    std::int64_t& side = i < axis ? rows : columns;
    side = multiply(side, (*in)[static_cast<std::size_t>(i)]);
  }
  return one(n.dtype(0), Ints{rows, columns});
}

Values shape_of(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(DType::kInt64, Ints{-1});
  const std::int64_t rank = static_cast<std::int64_t>(in->size());
  auto clamp = [rank](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank);
  };
  const std::int64_t start = clamp(attribute_int(n.proto(), "start", 0));
  const std::int64_t end = clamp(attribute_int(n.proto(), "end", rank));
  return one(DType::kInt64, Ints{std::max<std::int64_t>(end - start, 0)});
}

Values gather(const NodeView& n) {
  require_input(n, 1);
  const Dims &in = n.dims(0), &indices = n.dims(1);
  if (!in || !indices) return one(n.dtype(0), std::nullopt);
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->size());
  Ints out(in->begin(), in->begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), in->begin() + static_cast<std::ptrdiff_t>(axis) + 1, in->end());
  return one(n.dtype(0), out);
}

Values slice(const NodeView& n) {
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(0), n.dims(0));
  const auto spec = slice_spec(n, out->size());
  if (!spec) return one(n.dtype(0), Ints(out->size(), -1));
  for (std::size_t i = 0; i < spec->axes.size(); ++i) {
    std::int64_t& size = (*out)[static_cast<std::size_t>(spec->axes[i])];
    if (size >= 0) size = slice_range(size, spec->starts[i], spec->ends[i], spec->steps[i]).count;
  }
  return one(n.dtype(0), out);
}

Values squeeze(const NodeView& n) {
  const Dims& in = n.dims(0);
  bool absent = false;
  const auto axes = axes_of(n, 1, &absent);
  if (!in || (!axes && !absent)) return one(n.dtype(0), std::nullopt);
  std::set<std::size_t> drop;
  if (absent) {
    if (!all_known(in)) return one(n.dtype(0), std::nullopt);
    for (std::size_t i = 0; i < in->size(); ++i) {
      if ((*in)[i] == 1) drop.insert(i);
    }
  } else {
    for (const std::int64_t axis : *axes) {
      const std::size_t at = checked_axis(axis, in->size());
      if ((*in)[at] > 1 || (*in)[at] == 0) {
        fail("Squeeze of axis " + std::to_string(at) + " of " + dims_text(in) + ", which is not 1");
      }
      drop.insert(at);
    }
  }
  Ints out;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (!drop.contains(i)) out.push_back((*in)[i]);
  }
  return one(n.dtype(0), out);
}

Values unsqueeze(const NodeView& n) {
  const Dims& in = n.dims(0);
  bool absent = false;
  const auto axes = axes_of(n, 1, &absent);
  if (absent) fail("Unsqueeze without axes");
  if (!in || !axes) return one(n.dtype(0), std::nullopt);
  const std::size_t rank = in->size() + axes->size();
  std::set<std::size_t> added;
  for (const std::int64_t axis : *axes) {
    if (!added.insert(checked_axis(axis, rank)).second) fail("Unsqueeze names an axis twice");
  }
  Ints out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) out.push_back(added.contains(i) ? 1 : (*in)[next++]);
  return one(n.dtype(0), out);
}

Values split(const NodeView& n) {
  const Dims& in = n.dims(0);
  Values out(n.num_outputs(), {n.dtype(0), std::nullopt, nullptr});
  if (!in) return out;
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", 0), in->size());
  const auto sizes = split_sizes(n, (*in)[axis]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].dims = *in;
    (*out[i].dims)[axis] = sizes && i < sizes->size() ? (*sizes)[i] : -1;
  }
  return out;
}

Values pad(const NodeView& n) {
  Dims out = n.dims(0);
  auto pads = attribute_ints(n.proto(), "pads");
  if (!pads && n.has(1)) pads = n.ints(1);
  if (!out) return one(n.dtype(0), n.dims(0));
  std::optional<Ints> axes;
  if (n.has(3)) {
    axes = n.ints(3);
    if (!axes) return one(n.dtype(0), Ints(out->size(), -1));
  }
  if (!pads) return one(n.dtype(0), Ints(out->size(), -1));
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < out->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (pads->size() != 2 * axes->size()) {
    fail("pads has " + std::to_string(pads->size()) + " entries, expected " +
         std::to_string(2 * axes->size()));
  }
  for (std::size_t i = 0; i < axes->size(); ++i) {
    std::int64_t& size = (*out)[checked_axis((*axes)[i], out->size())];
    if (size < 0) continue;
    size = add(add(size, (*pads)[i]), (*pads)[i + axes->size()]);
    if (size < 0) fail("Pad removes more than there is of " + dims_text(n.dims(0)));
  }
  return one(n.dtype(0), out);
}

Values expand(const NodeView& n) {
  require_input(n, 1);
  const auto shape = n.ints(1);
  if (!shape) return one(n.dtype(0), std::nullopt);
  for (const std::int64_t d : *shape) {
    if (d < 0) fail("Expand to a dimension of " + std::to_string(d));
  }
  return one(n.dtype(0), broadcast(n.dims(0), *shape));
}

Values tile(const NodeView& n) {
  require_input(n, 1);
  const auto repeats = n.ints(1);
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(0), n.dims(0));
  if (!repeats) return one(n.dtype(0), Ints(out->size(), -1));
  if (repeats->size() != out->size()) {
    fail("Tile of " + dims_text(out) + " with " + std::to_string(repeats->size()) + " repeats");
  }
  for (std::size_t i = 0; i < out->size(); ++i) (*out)[i] = multiply((*out)[i], (*repeats)[i]);
  return one(n.dtype(0), out);
}

Values range(const NodeView& n) {
  const SmallTensor *start = n.data(0), *limit = n.data(1), *delta = n.data(2);
  auto number = [](const SmallTensor* t) -> std::optional<double> {
    if (t == nullptr || t->size() != 1) return std::nullopt;
    return t->floating() ? t->reals[0] : static_cast<double>(t->ints[0]);
  };
  const auto a = number(start), b = number(limit), d = number(delta);
  if (!a || !b || !d) return one(n.dtype(0), Ints{-1});
  if (*d == 0) fail("Range with a step of 0");
  const double count = std::ceil((*b - *a) / *d);
  if (!(count < 1e15)) fail("Range is too long");
  return one(n.dtype(0), Ints{static_cast<std::int64_t>(std::max(count, 0.0))});
}

Values blocks(const NodeView& n) {
  Dims out = n.dims(0);
  const std::int64_t b = attribute_int(n.proto(), "blocksize", 0);
  if (b < 1 || b > 1 << 15) fail("blocksize is " + std::to_string(b));
  if (!all_known(out)) return one(n.dtype(0), std::nullopt);
  if (out->size() != 4) fail(n.op() + " of " + dims_text(out) + ", expected N x C x H x W");
  const bool to_space = n.op() == "DepthToSpace";
  for (const std::size_t i : {1U, 2U, 3U}) {
    const bool divide = (i == 1) == to_space;
    const std::int64_t factor = i == 1 ? b * b : b;
    if (divide && (*out)[i] % factor != 0) {
      fail(n.op() + " of " + dims_text(n.dims(0)) + " by blocks of " + std::to_string(b));
    }
    (*out)[i] = divide ? (*out)[i] / factor : multiply((*out)[i], factor);
  }
  return one(n.dtype(0), out);
}

/// The sizes of a Resize that scales all axes alike: within the given sizes, or around them.
Dims kept_aspect(const Ints& in, const Ints& sizes, const Ints& axes, bool within) {
  std::optional<double> scale;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t size = in[checked_axis(axes[i], in.size())];
    if (size < 1) return Ints(in.size(), -1);
    const double own = static_cast<double>(sizes[i]) / static_cast<double>(size);
    scale = within ? std::min(scale.value_or(own), own) : std::max(scale.value_or(own), own);
  }
  Ints out = in;
  for (const std::int64_t axis : axes) {
    std::int64_t& size = out[checked_axis(axis, in.size())];
    const double scaled = std::floor(*scale * static_cast<double>(size) + 0.5);
    if (!(scaled >= 0 && scaled < 1e15)) fail("Resize by " + std::to_string(*scale));
    size = static_cast<std::int64_t>(scaled);
  }
  return out;
}

Values resize(const NodeView& n) {
  const Dims& in = n.dims(0);
  if (!in) return one(n.dtype(0), n.dims(0));
  // Scales and sizes: (X, scales) in Upsample 9 and Resize 10, (X, roi, scales, sizes) since 11.
  const bool old = n.op() == "Upsample" || n.opset() < 11;
  const SmallTensor* scales = n.data(old ? 1 : 2);
  const auto sizes = old ? std::nullopt : n.ints(3);
  std::vector<double> factors;
  if (scales != nullptr && scales->floating()) factors = scales->reals;
  if (const auto* a = find_attribute(n.proto(), "scales"); a != nullptr && old) {
    factors.assign(a->floats().begin(), a->floats().end());
  }
  std::optional<Ints> axes = attribute_ints(n.proto(), "axes");
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < in->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  Ints out = *in;
  const bool by_size = sizes && !sizes->empty();
  if (!by_size && factors.empty()) return one(n.dtype(0), Ints(in->size(), -1));
  const std::string policy =
      by_size ? attribute_string(n.proto(), "keep_aspect_ratio_policy", "stretch") : "stretch";
  const std::size_t given = by_size ? sizes->size() : factors.size();
  if (given != axes->size()) {
    fail(n.op() + " has " + std::to_string(given) + (by_size ? " sizes" : " scales") +
         ", expected " + std::to_string(axes->size()));
  }
  if (policy != "stretch") {
    return one(n.dtype(0), kept_aspect(*in, *sizes, *axes, policy == "not_larger"));
  }
  for (std::size_t i = 0; i < given; ++i) {
    std::int64_t& size = out[checked_axis((*axes)[i], out.size())];
    if (by_size) {
      size = (*sizes)[i];
    } else if (size >= 0) {
      const double scaled = std::floor(static_cast<double>(size) * factors[i]);
      if (!(scaled >= 0 && scaled < 1e15)) fail(n.op() + " by " + std::to_string(factors[i]));
      size = static_cast<std::int64_t>(scaled);
    }
  }
  return one(n.dtype(0), out);
}

}  // namespace

const std::map<std::string_view, InferRule>& movement_rules() {
  static const std::map<std::string_view, InferRule> table = {
      {"Concat", concat},       {"DepthToSpace", blocks}, {"Expand", expand},
      {"Flatten", flatten},     {"Gather", gather},       {"Pad", pad},
      {"Range", range},         {"Reshape", reshape},     {"Resize", resize},
      {"Shape", shape_of},      {"Slice", slice},         {"SpaceToDepth", blocks},
      {"Split", split},         {"Squeeze", squeeze},     {"Tile", tile},
      {"Transpose", transpose}, {"Unsqueeze", unsqueeze}, {"Upsample", resize},
  };
  return table;
}

SliceRange slice_range(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  // Clamped before the sign is looked at: INT64_MIN and INT64_MAX stand for "to the end".
  const std::int64_t low = step > 0 ? 0 : -1;
  auto place = [&](std::int64_t i) {
    if (i < 0) i = std::max(i, -size - 1) + size;
    return std::clamp<std::int64_t>(i, low, step > 0 ? size : size - 1);
  };
  SliceRange range{place(start), step, 0};
  const std::int64_t stop = place(end);
  if (step > 0 && stop > range.start) range.count = (stop - range.start - 1) / step + 1;
  if (step < 0 && stop < range.start) {
    const std::int64_t stride = step == INT64_MIN ? INT64_MAX : -step;
    range.count = (range.start - stop - 1) / stride + 1;
  }
  return range;
}

std::optional<SliceSpec> slice_spec(const NodeView& n, std::size_t rank) {
  SliceSpec spec;
  const bool by_attribute = find_attribute(n.proto(), "starts") != nullptr;
  auto read = [&](const char* name, std::size_t slot) {
    return by_attribute ? attribute_ints(n.proto(), name) : n.ints(slot);
  };
  const auto starts = read("starts", 1), ends = read("ends", 2);
  const bool has_axes = by_attribute ? find_attribute(n.proto(), "axes") != nullptr : n.has(3);
  const auto axes = has_axes ? read("axes", 3) : std::nullopt;
  const auto steps = !by_attribute && n.has(4) ? n.ints(4) : std::nullopt;
  if (!starts || !ends || (has_axes && !axes) || (!by_attribute && n.has(4) && !steps)) {
    return std::nullopt;
  }
  spec.starts = *starts;
  spec.ends = *ends;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const std::int64_t axis = axes && i < axes->size() ? (*axes)[i] : static_cast<std::int64_t>(i);
    spec.axes.push_back(static_cast<std::int64_t>(checked_axis(axis, rank)));
    if (std::ranges::count(spec.axes, spec.axes.back()) > 1) fail("Slice names an axis twice");
    spec.steps.push_back(steps && i < steps->size() ? (*steps)[i] : 1);
    if (spec.steps.back() == 0) fail("Slice with a step of 0");
  }
  const std::size_t count = starts->size();
  if (ends->size() != count || (axes && axes->size() != count) ||
      (steps && steps->size() != count)) {
    fail("Slice: starts, ends, axes and steps differ in length");
  }
  return spec;
}

std::optional<Ints> axes_of(const NodeView& n, std::size_t slot, bool* absent) {
  *absent = false;
  if (auto axes = attribute_ints(n.proto(), "axes")) {
    if (axes->empty()) *absent = true;
    return axes->empty() ? std::nullopt : axes;
  }
  if (!n.has(slot)) {
    *absent = true;
    return std::nullopt;
  }
  auto axes = n.ints(slot);
  if (axes && axes->empty()) {
    *absent = true;
    return std::nullopt;
  }
  return axes;
}

std::optional<Ints> split_sizes(const NodeView& n, std::int64_t size) {
  std::optional<Ints> sizes = attribute_ints(n.proto(), "split");
  if (!sizes && n.has(1)) {
    sizes = n.ints(1);
    if (!sizes) return std::nullopt;
  }
  const auto parts = static_cast<std::int64_t>(n.num_outputs());
  if (!sizes) {
    if (size < 0 || parts == 0) return std::nullopt;
    const std::int64_t each = (size + parts - 1) / parts;
    if (n.opset() < 18 && size % parts != 0) {
      fail("Split of " + std::to_string(size) + " into " + std::to_string(parts) + " equal parts");
    }
    sizes.emplace(n.num_outputs(), each);
    sizes->back() = size - each * (parts - 1);
    if (sizes->back() < 0) fail("Split of " + std::to_string(size) + " into too many parts");
  }
  std::int64_t total = 0;
  for (const std::int64_t part : *sizes) {
    if (part < 0) fail("Split into a part of " + std::to_string(part));
    total = add(total, part);
  }
  if (static_cast<std::int64_t>(sizes->size()) != parts) {
    fail("Split has " + std::to_string(sizes->size()) + " sizes for " + std::to_string(parts) +
         " outputs");
  }
  if (size >= 0 && total != size) {
    fail("Split of " + std::to_string(size) + " into parts of " + std::to_string(total) +
         " together");
  }
  return sizes;
}

}  // namespace autogo
