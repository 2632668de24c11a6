#include "autogo/graph/types.h"

#include <gtest/gtest.h>

#include "autogo/base/error.h"
#include "autogo/graph/map_axes.h"

namespace autogo {
namespace {

TEST(Shape, TextAndElements) {
  EXPECT_EQ(to_string(Shape{1, 64, 56, 56}), "1x64x56x56");
  EXPECT_EQ(to_string(Shape{-1, 3}), "?x3");
  EXPECT_EQ(to_string(Shape{}), "unknown");
  EXPECT_EQ(to_string(Shape(std::span<const std::int64_t>{})), "scalar");
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape(std::span<const std::int64_t>{}).elements(), 1);
  EXPECT_EQ((Shape{2, -1}).elements(), -1);
  EXPECT_EQ(Shape{}.elements(), -1);
  EXPECT_EQ((Shape{1LL << 40, 1LL << 40}).elements(), -1);
}

TEST(Shape, RankNineIsRefused) {
  const std::array<std::int64_t, 9> dims{};
  try {
    const Shape shape{std::span<const std::int64_t>(dims)};
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUnsupported);
    EXPECT_STREQ(e.what(), "a tensor of rank 9, at most 8 dimensions are supported");
  }
}

TEST(FeatureMap, ReadsEveryLayout) {
  const auto view = [](Layout layout, Shape shape) {
    return feature_map({DType::kFloat32, layout, shape});
  };
  EXPECT_EQ(view(Layout::kChannelsFirst, {1, 8, 4, 5}), (FeatureMap{8, 4, 5}));
  EXPECT_EQ(view(Layout::kChannelsLast, {1, 4, 5, 8}), (FeatureMap{8, 4, 5}));
  EXPECT_EQ(view(Layout::kChannelsLast, {1, 197, 768}), (FeatureMap{768, 197, 1}));
  EXPECT_EQ(view(Layout::kChannelsLast, {1, 1000}), (FeatureMap{1000, 1, 1}));
  EXPECT_EQ(view(Layout::kNone, {1, 12, 4, 4}), FeatureMap{});
  EXPECT_EQ(view(Layout::kChannelsFirst, {1, -1, 4, 5}), FeatureMap{});
}

TEST(FeatureMap, RoundTrip) {
  for (const Shape& shape : {Shape{2, 8, 4, 5}, Shape{2, 4, 8}, Shape{2, 9}}) {
    const TensorType type{DType::kFloat16, default_layout(shape), shape};
    EXPECT_EQ(with_feature_map(type, feature_map(type)), type);
  }
  const TensorType tokens{DType::kFloat32, Layout::kChannelsLast, Shape{1, 197, 768}};
  EXPECT_EQ(to_string(with_feature_map(tokens, {64, 50, 1}).shape), "1x50x64");
}

TEST(DType, Sizes) {
  EXPECT_EQ(dtype_size(DType::kFloat32), 4U);
  EXPECT_EQ(dtype_size(DType::kBFloat16), 2U);
  EXPECT_EQ(dtype_size(DType::kInt64), 8U);
  EXPECT_EQ(dtype_size(DType::kBool), 1U);
  EXPECT_EQ(dtype_size(DType::kString), 0U);
  EXPECT_STREQ(dtype_name(DType::kFloat16), "float16");
  EXPECT_STREQ(dtype_name(static_cast<DType>(23)), "other");
}

TEST(Shape, AZeroHidesNoProductThatLeaves64Bits) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 31;
  EXPECT_EQ((Shape{kHuge, kHuge, 0}).elements(), 0);
  EXPECT_EQ((Shape{0, kHuge, kHuge, kHuge}).elements(), -1);
  EXPECT_EQ((Shape{kHuge, kHuge, kHuge, 0}).elements(), -1);
  EXPECT_TRUE(countable(std::vector<std::int64_t>{-1, kHuge, kHuge}));
  EXPECT_FALSE(countable(std::vector<std::int64_t>{-1, kHuge, kHuge, 2}));
}

TEST(MapAxes, GoBothWays) {
  const auto type = [](Layout layout, Shape shape) {
    return TensorType{DType::kFloat32, layout, shape};
  };
  const TensorType first = type(Layout::kChannelsFirst, {1, 2, 3, 4});
  const TensorType last = type(Layout::kChannelsLast, {1, 2, 3, 4});
  const TensorType tokens = type(Layout::kChannelsLast, {1, 2, 3});
  EXPECT_EQ(map_dim_of(first, 1), MapDim::kC);
  EXPECT_EQ(map_dim_of(first, -1), MapDim::kW);
  EXPECT_EQ(map_dim_of(last, 1), MapDim::kH);
  EXPECT_EQ(map_dim_of(tokens, -2), MapDim::kH);
  EXPECT_EQ(map_dim_of(first, 0), std::nullopt);
  EXPECT_EQ(map_dim_of(first, 4), std::nullopt);
  EXPECT_EQ(map_dim_of(first, -5), std::nullopt);
  EXPECT_EQ(map_dim_of(type(Layout::kNone, {1, 2, 3, 4}), 1), std::nullopt);
  EXPECT_EQ(axis_of(tokens, MapDim::kW), std::nullopt);
  for (const TensorType& t : {first, last, tokens}) {
    for (const MapDim dim : {MapDim::kC, MapDim::kH, MapDim::kW}) {
      const auto axis = axis_of(t, dim);
      if (!axis) continue;
      EXPECT_EQ(map_dim_of(t, static_cast<std::int64_t>(*axis)), dim);
      EXPECT_EQ(map_size(feature_map(t), dim), t.shape[*axis]);
    }
  }
}

}  // namespace
}  // namespace autogo
