#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace autogo {

/// Element type of a tensor. The numbers are ONNX's TensorProto.DataType.
enum class DType : std::uint8_t {
  kUndefined = 0,
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBFloat16 = 16,
};

/// Bytes of one element; 0 for kUndefined and kString. Unknown codes count as 1.
std::size_t dtype_size(DType type);
const char* dtype_name(DType type);

/// Largest dimension, and largest number of elements, that anything here computes with.
inline constexpr std::int64_t kMaxDim = std::int64_t{1} << 32;
inline constexpr std::int64_t kMaxElements = std::int64_t{1} << 62;

/// Whether every product of some of these dimensions stays within kMaxElements. Zeros and unknown
/// dimensions count as 1: a tensor without elements may still have a product of its leading
/// dimensions that no loop ends with and no integer holds.
bool countable(std::span<const std::int64_t> dims);

/// Dimensions of a tensor, at most kMaxRank of them, held in place. A default Shape has an unknown
/// rank; a dimension of -1 is unknown.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  /// @throws Error kUnsupported above kMaxRank dimensions
  explicit Shape(std::span<const std::int64_t> dims);

  bool has_rank() const { return rank_ >= 0; }
  /// Rank and every dimension are known.
  bool known() const;
  int rank() const { return rank_; }
  std::int64_t operator[](std::size_t i) const { return dims_[i]; }
  std::int64_t& operator[](std::size_t i) { return dims_[i]; }
  std::span<const std::int64_t> dims() const {
    return {dims_.data(), rank_ < 0 ? std::size_t{0} : static_cast<std::size_t>(rank_)};
  }
  /// Number of elements; -1 when not known() or not countable(). A scalar has 1.
  std::int64_t elements() const;
  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  std::int8_t rank_ = -1;
};

/// "1x64x56x56"; "?" for an unknown dimension, "unknown" for an unknown rank, "scalar" for rank 0.
std::string to_string(const Shape& shape);

/// Where the channels are. Feature maps are N,C,H,W (kChannelsFirst); tokens and vectors, and maps
/// after a transpose to N,H,W,C, have them last. kNone: not a feature map (attention matrices,
/// index tensors, rank 1 or above 4).
enum class Layout : std::uint8_t { kNone, kChannelsFirst, kChannelsLast };

/// Type of a value: element type, shape, and the layout that the shape rules carried along.
struct TensorType {
  DType dtype = DType::kFloat32;
  Layout layout = Layout::kNone;
  Shape shape;
  bool operator==(const TensorType&) const = default;
};

/// Layout that a freshly introduced tensor of this shape has: rank 4 first, rank 2 and 3 last.
Layout default_layout(const Shape& shape);

/// A value as channels x height x width, the view that segments, propagation and the predictor
/// share. Tokens N x L x C read as H = L, W = 1; vectors N x C as H = W = 1.
struct FeatureMap {
  std::int64_t c = 0, h = 0, w = 0;
  bool operator==(const FeatureMap&) const = default;
};

/// The view of a type; {0,0,0} when its layout is kNone or a dimension is unknown.
FeatureMap feature_map(const TensorType& type);
/// The inverse: `like` with its C, H, W replaced (its rank, layout, batch and dtype stay). Requires
/// a layout other than kNone, and w == 1 (and h == 1) where the rank has no place for them.
TensorType with_feature_map(const TensorType& like, const FeatureMap& map);

}  // namespace autogo
