// Dimensions of operators that the schemas of Debian's ONNX do not know (newer than opset 17), know
// in another form, or give up on where a size is a constant: attention, Einsum, transforms, grids.
//
// Tested by tests/onnx/infer_recent_test.cc.

#include <algorithm>

#include "einsum.h"
#include "infer.h"
#include "infer_detail.h"

namespace autogo {
namespace {

using namespace infer_detail;

/// The whole number in a constant operand of one element; no value: not known.
std::optional<std::int64_t> whole(const NodeView& n, std::size_t slot) {
  const SmallTensor* data = n.data(slot);
  if (data == nullptr || data->size() != 1) return std::nullopt;
  if (!data->floating()) return data->ints[0];
  const double number = data->reals[0];
  if (!(number > -1e15 && number < 1e15)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Values one_hot(const NodeView& n) {
  require_input(n, 2);
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(2), std::nullopt);
  const std::size_t axis = checked_axis(attribute_int(n.proto(), "axis", -1), out->size() + 1);
  const auto depth = whole(n, 1);
  if (depth && *depth < 1) fail("OneHot with a depth of " + std::to_string(*depth));
  out->insert(out->begin() + static_cast<std::ptrdiff_t>(axis), depth.value_or(-1));
  return one(n.dtype(2), out);
}

Values einsum(const NodeView& n) {
  std::vector<Ints> operands;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    if (!n.dims(i)) return one(n.dtype(0), std::nullopt);
    operands.push_back(*n.dims(i));
  }
  return one(n.dtype(0),
             EinsumShapes(attribute_string(n.proto(), "equation", ""), operands).output());
}

Values attention(const NodeView& n) {
  Values out(n.num_outputs(), {n.dtype(0), std::nullopt, nullptr});
  if (out.size() > 1) out[1].dtype = n.has(4) ? n.dtype(4) : n.dtype(1);
  if (out.size() > 2) out[2].dtype = n.has(5) ? n.dtype(5) : n.dtype(2);
  const auto s = attention_shape(n.proto(), n.dims(0), n.dims(1), n.dims(2), n.dims(4));
  if (!s || out.empty() || (n.has(4) && !n.dims(4))) return out;
  out[0].dims = s->heads_apart
                    ? Ints{s->batch, s->query_heads, s->queries, s->value_size}
                    : Ints{s->batch, s->queries, multiply(s->query_heads, s->value_size)};
  if (out.size() > 1) out[1].dims = Ints{s->batch, s->key_heads, s->keys, s->key_size};
  if (out.size() > 2) out[2].dims = Ints{s->batch, s->key_heads, s->keys, s->value_size};
  if (out.size() > 3) out[3].dims = Ints{s->batch, s->query_heads, s->queries, s->keys};
  return out;
}

/// The last axis holds real numbers (1) or complex ones (2). A one-sided transform has half of the
/// frequencies; its inverse is real.
Values dft(const NodeView& n) {
  Dims out = n.dims(0);
  if (!out) return one(n.dtype(0), std::nullopt);
  if (out->size() < 2) fail("DFT of " + dims_text(out) + ", expected a batch and 1 or 2 numbers");
  std::optional<std::int64_t> axis = attribute_int(n.proto(), "axis", 1);
  if (n.opset() >= 20) axis = n.has(2) ? whole(n, 2) : -2;
  if (!axis) return one(n.dtype(0), Ints(out->size(), -1));
  const bool inverse = attribute_int(n.proto(), "inverse", 0) != 0;
  const bool onesided = attribute_int(n.proto(), "onesided", 0) != 0;
  std::int64_t& size = (*out)[checked_axis(*axis, out->size())];
  if (n.has(1)) {
    size = whole(n, 1).value_or(-1);
  } else if (inverse && onesided && size > 0) {
    size = multiply(size - 1, 2);
  }
  if (onesided && !inverse && size >= 0) size = size / 2 + 1;
  out->back() = inverse && onesided ? 1 : 2;
  return one(n.dtype(0), out);
}

Values stft(const NodeView& n) {
  const Dims& signal = n.dims(0);
  if (!signal || signal->size() < 2) return one(n.dtype(0), std::nullopt);
  std::int64_t length = -1;
  if (n.has(3)) {
    length = whole(n, 3).value_or(-1);
  } else if (n.dims(2) && n.dims(2)->size() == 1) {
    length = n.dims(2)->front();
  }
  const auto step = whole(n, 1);
  if (step && *step < 1) fail("STFT with a step of " + std::to_string(*step));
  Ints out{signal->front(), -1, -1, 2};
  const std::int64_t samples = (*signal)[1];
  if (length > 0) {
    const bool onesided = attribute_int(n.proto(), "onesided", 1) != 0;
    out[2] = onesided ? length / 2 + 1 : length;
    if (samples >= 0 && length > samples) {
      fail("STFT of " + std::to_string(samples) + " samples in frames of " +
           std::to_string(length));
    }
    if (samples >= 0 && step) out[1] = (samples - length) / *step + 1;
  }
  return one(n.dtype(0), out);
}

Values affine_grid(const NodeView& n) {
  const auto size = n.ints(1);
  if (!size) return one(n.dtype(0), std::nullopt);
  if (size->size() < 4) fail("AffineGrid with " + std::to_string(size->size()) + " sizes");
  Ints out{size->front()};
  out.insert(out.end(), size->begin() + 2, size->end());
  out.push_back(static_cast<std::int64_t>(size->size()) - 2);
  for (const std::int64_t d : out) {
    if (d < 0) fail("AffineGrid with a size of " + std::to_string(d));
  }
  return one(n.dtype(0), out);
}

Values grid_sample(const NodeView& n) {
  const Dims &in = n.dims(0), &grid = n.dims(1);
  if (!in || !grid || in->size() < 3 || grid->size() != in->size()) {
    return one(n.dtype(0), std::nullopt);
  }
  Ints out{(*in)[0], (*in)[1]};
  out.insert(out.end(), grid->begin() + 1, grid->end() - 1);
  return one(n.dtype(0), out);
}

Values center_crop_pad(const NodeView& n) {
  Dims out = n.dims(0);
  const auto shape = n.ints(1);
  if (!out || !shape) return one(n.dtype(0), out ? Dims(Ints(out->size(), -1)) : std::nullopt);
  auto axes = attribute_ints(n.proto(), "axes");
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < out->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (axes->size() != shape->size()) {
    fail("CenterCropPad has " + std::to_string(shape->size()) + " sizes for " +
         std::to_string(axes->size()) + " axes");
  }
  for (std::size_t i = 0; i < axes->size(); ++i) {
    if ((*shape)[i] < 0) fail("CenterCropPad to a size of " + std::to_string((*shape)[i]));
    (*out)[checked_axis((*axes)[i], out->size())] = (*shape)[i];
  }
  return one(n.dtype(0), out);
}

/// Keeps what the condition says; it may be shorter than the axis.
Values compress(const NodeView& n) {
  const Dims& in = n.dims(0);
  const auto condition = n.ints(1);
  std::int64_t kept = -1;
  if (condition) kept = std::ranges::count_if(*condition, [](std::int64_t c) { return c != 0; });
  if (find_attribute(n.proto(), "axis") == nullptr) return one(n.dtype(0), Ints{kept});
  if (!in) return one(n.dtype(0), std::nullopt);
  Ints out = *in;
  out[checked_axis(attribute_int(n.proto(), "axis", 0), out.size())] = kept;
  return one(n.dtype(0), out);
}

/// N x (C x block) x blocks to N x C x image.
Values col2im(const NodeView& n) {
  const Dims& in = n.dims(0);
  const auto image = n.ints(1), block = n.ints(2);
  if (!in || in->size() != 3 || !image || !block) return one(n.dtype(0), std::nullopt);
  std::int64_t elements = 1;
  for (const std::int64_t d : *block) elements = d < 1 ? 0 : multiply(elements, d);
  if (elements < 1 || ((*in)[1] >= 0 && (*in)[1] % elements != 0)) {
    fail("Col2Im of " + dims_text(in) + " by blocks of " + dims_text(*block));
  }
  Ints out{(*in)[0], (*in)[1] < 0 ? -1 : (*in)[1] / elements};
  for (const std::int64_t d : *image) {
    if (d < 0) fail("Col2Im to a size of " + std::to_string(d));
    out.push_back(d);
  }
  return one(n.dtype(0), out);
}

/// The offsets say where each output looks: they have its size.
Values deform_conv(const NodeView& n) {
  const Dims &in = n.dims(0), &weights = n.dims(1), &offsets = n.dims(2);
  if (!in || !weights || !offsets || in->size() < 3 || weights->empty() ||
      offsets->size() != in->size()) {
    return one(n.dtype(0), std::nullopt);
  }
  Ints out{in->front(), weights->front()};
  out.insert(out.end(), offsets->begin() + 2, offsets->end());
  return one(n.dtype(0), out);
}

/// With the size given as an input; without one it follows from the window, which the schema knows.
Values max_unpool(const NodeView& n) {
  if (!n.has(2)) return infer_by_schema(n);
  const auto shape = n.ints(2);
  if (!shape) return one(n.dtype(0), std::nullopt);
  for (const std::int64_t d : *shape) {
    if (d < 0) fail("MaxUnpool to a size of " + std::to_string(d));
  }
  return one(n.dtype(0), *shape);
}

Values string_split(const NodeView& n) {
  Dims parts = n.dims(0);
  if (parts) parts->push_back(-1);
  return {{DType::kString, parts, nullptr}, {DType::kInt64, n.dims(0), nullptr}};
}

}  // namespace

std::optional<AttentionShape> attention_shape(const onnx::NodeProto& node, const Dims& query,
                                              const Dims& key, const Dims& value,
                                              const Dims& past_key) {
  if (!query || !key || !value) return std::nullopt;
  const std::size_t rank = query->size();
  if ((rank != 3 && rank != 4) || key->size() != rank || value->size() != rank ||
      (past_key && past_key->size() != 4)) {
    fail("Attention of " + dims_text(query) + ", " + dims_text(key) + " and " + dims_text(value));
  }
  AttentionShape s;
  s.heads_apart = rank == 4;
  s.batch = query->front();
  s.queries = (*query)[rank - 2];
  s.keys = (*key)[rank - 2];
  s.key_size = query->back();
  s.value_size = value->back();
  s.query_heads = s.heads_apart ? (*query)[1] : attribute_int(node, "q_num_heads", 0);
  s.key_heads = s.heads_apart ? (*key)[1] : attribute_int(node, "kv_num_heads", 0);
  if (!s.heads_apart) {
    auto share = [](std::int64_t size, std::int64_t heads) {
      if (heads < 1 || (size >= 0 && size % heads != 0)) {
        fail("Attention of " + std::to_string(size) + " channels with " + std::to_string(heads) +
             " heads");
      }
      return size < 0 ? -1 : size / heads;
    };
    s.key_size = share(s.key_size, s.query_heads);
    s.value_size = share(s.value_size, s.key_heads);
  }
  if (past_key) {
    const std::int64_t past = (*past_key)[2];
    s.keys = past < 0 || s.keys < 0 ? -1 : add(past, s.keys);
  }
  return s;
}

const std::map<std::string_view, InferRule>& recent_rules() {
  static const std::map<std::string_view, InferRule> table = {
      {"AffineGrid", affine_grid},
      {"Attention", attention},
      {"CenterCropPad", center_crop_pad},
      {"Col2Im", col2im},
      {"Compress", compress},
      {"DFT", dft},
      {"DeformConv", deform_conv},
      {"Einsum", einsum},
      {"GridSample", grid_sample},
      {"ImageDecoder",
       [](const NodeView&) {
         return one(DType::kUint8, Ints{-1, -1, -1});
       }},
      {"MaxUnpool", max_unpool},
      {"OneHot", one_hot},
      {"RegexFullMatch", [](const NodeView& n) { return one(DType::kBool, n.dims(0)); }},
      {"RotaryEmbedding", [](const NodeView& n) { return one(n.dtype(0), n.dims(0)); }},
      {"STFT", stft},
      {"StringConcat",
       [](const NodeView& n) { return one(DType::kString, broadcast(n.dims(0), n.dims(1))); }},
      {"StringSplit", string_split},
  };
  return table;
}

}  // namespace autogo
