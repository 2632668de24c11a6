#include "autogo/graph/op.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

namespace autogo {
namespace {

TEST(OpTable, NamesAreUniqueAndFoundAgain) {
  std::set<std::string> names;
  for (const OpInfo& row : op_table()) {
    names.insert(row.name);
    EXPECT_EQ(op_from_name(row.name), row.kind);
    EXPECT_STREQ(op_name(row.kind), row.name);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kNumOps));
  EXPECT_EQ(op_from_name("Conv"), std::nullopt);
}

TEST(OpTable, OrderIsPartOfThePredictorsInput) {
  // Append only: trained predictors and segment databases hold these numbers.
  EXPECT_EQ(static_cast<int>(OpKind::kConv), 2);
  EXPECT_EQ(static_cast<int>(OpKind::kRelu), 10);
  EXPECT_EQ(static_cast<int>(OpKind::kAdd), 26);
  EXPECT_EQ(static_cast<int>(OpKind::kMaxPool), 32);
  EXPECT_EQ(static_cast<int>(OpKind::kOpaque), 46);
}

TEST(OpTable, WhatCannotBeAdjustedIsNeverInserted) {
  for (const OpInfo& row : op_table()) {
    if (row.shape_class == ShapeClass::kFixed || row.shape_class == ShapeClass::kPort) {
      EXPECT_FALSE(row.insertable) << row.name;
    }
    EXPECT_FALSE(row.first_only && row.last_only) << row.name;
  }
}

TEST(Attrs, EveryFieldIsHashed) {
  const std::vector<std::function<void(Attrs&)>> changes = {
      [](Attrs& a) { a.kernel[0] = 3; },
      [](Attrs& a) { a.kernel[1] = 3; },
      [](Attrs& a) { a.stride[0] = 3; },
      [](Attrs& a) { a.dilation[0] = 3; },
      [](Attrs& a) { a.pads[0] = 1; },
      [](Attrs& a) { a.pads[3] = 1; },
      [](Attrs& a) { a.output_padding[0] = 1; },
      [](Attrs& a) { a.padding = Padding::kSame; },
      [](Attrs& a) { a.bias = true; },
      [](Attrs& a) { a.ceil_mode = true; },
      [](Attrs& a) { a.count_include_pad = true; },
      [](Attrs& a) { a.out_channels = 3; },
      [](Attrs& a) { a.group = 3; },
      [](Attrs& a) { a.axis = 3; },
      [](Attrs& a) { a.block = 3; },
      [](Attrs& a) { a.alpha = 3; },
      [](Attrs& a) { a.beta = 3; },
      [](Attrs& a) { a.epsilon = 3; },
      [](Attrs& a) { a.digest = 3; },
      [](Attrs& a) { a.ints = {3}; },
      [](Attrs& a) { a.ints = {0}; },
      [](Attrs& a) { a.text = "x"; }};
  std::set<std::uint64_t> hashes{hash(Attrs{})};
  for (const auto& change : changes) {
    Attrs a;
    change(a);
    EXPECT_NE(a, Attrs{});
    hashes.insert(hash(a));
  }
  EXPECT_EQ(hashes.size(), changes.size() + 1);
}

TEST(Attrs, ZeroHasOneHash) {
  Attrs a, b;
  b.alpha = -0.0F;
  EXPECT_EQ(a, b);
  EXPECT_EQ(hash(a), hash(b));
}

}  // namespace
}  // namespace autogo
