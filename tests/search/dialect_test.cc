#include "search/mutation/dialect.h"

#include <gtest/gtest.h>

#include "search/mutation/pool.h"
#include "search/run/options.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::conv_attrs;
using testing::tensor;

/// conv, batch norm, ReLU and a convolution beside a residual.
Graph mined_block() {
  Graph g;
  const ValueId x = g.add_input(tensor({1, 16, 8, 8}));
  const ValueId y = g.add(OpKind::kConv, conv_attrs(32), {testing::conv_bn_relu(g, x, 64)});
  g.add_output(g.add(OpKind::kConcat, {}, {x, y}));
  return g;
}

TEST(Dialect, IsTheNetworksCommonestWords) {
  const Graph g = testing::token_network();
  const auto dialect = dialect_of(g, Layout::kChannelsLast, allowed_ops({}, g));
  ASSERT_TRUE(dialect.has_value());
  EXPECT_EQ(dialect->activation->op, OpKind::kGelu);
  EXPECT_EQ(dialect->norm->op, OpKind::kLayerNorm);
  EXPECT_EQ(dialect->dense->op, OpKind::kDense);
  EXPECT_FALSE(dialect_of(g, Layout::kChannelsFirst, allowed_ops({}, g)).has_value());
}

TEST(Dialect, MapsBecomeTokens) {
  const Graph g = testing::token_network();
  SearchOptions options;
  options.allow_ops = {"concat"};
  const auto dialect = dialect_of(g, Layout::kChannelsLast, allowed_ops(options, g));
  EXPECT_EQ(dump(*translate(mined_block(), *dialect)),
            "%0 = input : 1x49x16\n"
            "%1 = dense c64 bias (%0) : 1x49x64\n"
            "%2 = layer_norm (%1) : 1x49x64\n"
            "%3 = gelu (%2) : 1x49x64\n"
            "%4 = dense c32 bias (%3) : 1x49x32\n"
            "%5 = concat axis2 (%0, %4) : 1x49x48\n"
            "output (%5)\n");
}

TEST(Dialect, WordsThatTheNetworkLacksFallAway) {
  Graph folded;
  ValueId x = folded.add_input(tensor({1, 3, 8, 8}));
  x = folded.add(OpKind::kRelu6, {}, {folded.add(OpKind::kConv, conv_attrs(8), {x})});
  folded.add_output(folded.add(OpKind::kConcat, {}, {x, folded.add(OpKind::kRelu6, {}, {x})}));
  const auto dialect = dialect_of(folded, Layout::kChannelsFirst, allowed_ops({}, folded));
  EXPECT_FALSE(dialect->norm.has_value());
  EXPECT_EQ(dump(*translate(mined_block(), *dialect)),
            "%0 = input : 1x16x8x8\n"
            "%1 = conv k3x3 p1,1,1,1 c64 (%0) : 1x64x8x8\n"
            "%2 = relu6 (%1) : 1x64x8x8\n"
            "%3 = conv k3x3 p1,1,1,1 c32 (%2) : 1x32x8x8\n"
            "%4 = concat (%0, %3) : 1x48x8x8\n"
            "output (%4)\n");
}

TEST(Dialect, WhatHasNoCounterpartIsNotTranslated) {
  const Graph g = testing::token_network();
  const auto dialect = dialect_of(g, Layout::kChannelsLast, allowed_ops({}, g));
  EXPECT_FALSE(translate(mined_block(), *dialect).has_value());  // concat is not allowed
  Graph strided;
  strided.add_output(
      strided.add(OpKind::kConv, conv_attrs(8, 3, 2), {strided.add_input(tensor({1, 8, 8, 8}))}));
  EXPECT_FALSE(translate(strided, *dialect).has_value());
  // Two branches that differ in their norm only become x + x.
  Graph twins;
  const ValueId x =
      twins.add(OpKind::kConv, conv_attrs(8), {twins.add_input(tensor({1, 8, 8, 8}))});
  twins.add_output(twins.add(OpKind::kAdd, {}, {x, twins.add(OpKind::kBatchNorm, {}, {x})}));
  Graph folded;
  folded.add_output(folded.add(
      OpKind::kAdd, {},
      {folded.add(OpKind::kConv, conv_attrs(8), {folded.add_input(tensor({1, 8, 8, 8}))}),
       folded.add_input(tensor({1, 8, 8, 8}))}));
  EXPECT_FALSE(
      translate(twins, *dialect_of(folded, Layout::kChannelsFirst, allowed_ops({}, folded)))
          .has_value());
}

TEST(Dialect, WhatNeedsNoTranslationIsLeftAlone) {
  const Graph g = testing::concat_network();
  const auto dialect = dialect_of(g, Layout::kChannelsFirst, allowed_ops({}, g));
  EXPECT_FALSE(translate(mined_block(), *dialect).has_value());
}

TEST(Dialect, RowsStayRowsAndHaveNoCounterpartAmongTokens) {
  Graph block;
  Attrs rows;
  rows.axis = 2;
  const ValueId x = block.add_input(tensor({1, 16, 8, 8})),
                y = block.add_input(tensor({1, 16, 3, 8}));
  block.add_output(block.add(OpKind::kRelu, {}, {block.add(OpKind::kConcat, rows, {x, y})}));
  Graph maps;
  const ValueId z = maps.add_input(tensor({1, 3, 8, 8}));
  maps.add_output(maps.add(OpKind::kRelu6, {}, {maps.add(OpKind::kConcat, {}, {z, z})}));
  const auto dialect = dialect_of(maps, Layout::kChannelsFirst, allowed_ops({}, maps));
  EXPECT_EQ(dump(*translate(block, *dialect)),
            "%0 = input : 1x16x8x8\n"
            "%1 = input : 1x16x3x8\n"
            "%2 = concat axis2 (%0, %1) : 1x16x11x8\n"
            "%3 = relu6 (%2) : 1x16x11x8\n"
            "output (%3)\n");
  const Graph tokens = testing::token_network();
  SearchOptions options;
  options.allow_ops = {"concat"};
  const auto of_tokens = dialect_of(tokens, Layout::kChannelsLast, allowed_ops(options, tokens));
  EXPECT_FALSE(translate(block, *of_tokens).has_value());
}

}  // namespace
}  // namespace autogo
