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

TEST(OpTable, NumbersNeverChange) {
  // Trained predictors, and the identities of segments in databases and journals, rest on them.
  EXPECT_EQ(op_number(OpKind::kConv), 2);
  EXPECT_EQ(op_number(OpKind::kRelu), 10);
  EXPECT_EQ(op_number(OpKind::kAdd), 26);
  EXPECT_EQ(op_number(OpKind::kMaxPool), 32);
  EXPECT_EQ(op_number(OpKind::kOpaque), 46);
}

TEST(OpTable, RowsAreConsistent) {
  std::set<std::string> spellings;
  for (const OpInfo& row : op_table()) {
    SCOPED_TRACE(row.name);
    const OpInfo& relative = op_info(row.relative);
    EXPECT_EQ(relative.relative, relative.kind) << "a relative of a relative";
    EXPECT_EQ(relative.role, row.role);
    EXPECT_TRUE(row.onnx == nullptr || spellings.insert(row.onnx).second);
    EXPECT_TRUE(row.onnx != nullptr || !(row.has_alpha || row.has_beta || row.has_epsilon));
    EXPECT_TRUE(row.weighted || !row.chooses_channels);
    if (row.role == OpRole::kActivation) {
      EXPECT_EQ(row.shape_class, ShapeClass::kPreserve);
      EXPECT_FALSE(row.first_only || row.last_only || row.along_axis);
    }
    EXPECT_NE(row.help[0], '\0');
  }
}

TEST(OpSet, HoldsWhatWasPutIn) {
  OpSet set{OpKind::kConv, OpKind::kOpaque};
  EXPECT_TRUE(set.contains(OpKind::kOpaque));
  EXPECT_FALSE(set.contains(OpKind::kRelu));
  EXPECT_TRUE((OpSet{OpKind::kConv}).within(set));
  EXPECT_FALSE((OpSet{OpKind::kConv, OpKind::kRelu}).within(set));
  set.erase(OpKind::kConv);
  EXPECT_EQ(set, OpSet{OpKind::kOpaque});
  set |= {OpKind::kAdd};
  set &= {OpKind::kAdd, OpKind::kRelu};
  EXPECT_EQ(set, OpSet{OpKind::kAdd});
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
