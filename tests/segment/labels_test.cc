#include "labels.h"

#include <gtest/gtest.h>

#include <set>

#include "segment_support.h"

namespace autogo {
namespace {

using namespace testing;

std::vector<std::string> texts(const Graph& g) {
  const Uses uses(g);
  std::vector<std::string> result;
  for (std::uint32_t n = 0; n < g.num_nodes(); ++n) {
    if (!has_label(g.node(NodeId{n}))) continue;
    result.push_back(to_string(label_of(g, uses, NodeId{n}, false)));
  }
  return result;
}

TEST(Labels, NameOperationKernelAndNeighbours) {
  EXPECT_EQ(texts(residual(1)),
            (std::vector<std::string>{"conv3x3[input][batch_norm]", "batch_norm[conv][add]",
                                      "add[input,batch_norm][relu]", "relu[add][output]"}));
}

TEST(Labels, TellHeightFromWidth) {
  Graph g;
  Attrs attrs;
  attrs.kernel = {1, 3};
  attrs.padding = Padding::kSame;
  attrs.out_channels = 8;
  g.add_output(g.add(OpKind::kConv, attrs, {g.add_input(map_type())}));
  EXPECT_EQ(texts(g), (std::vector<std::string>{"conv1x3[input][output]"}));
}

TEST(Labels, StopAtPortsAndFixedOperators) {
  Graph g;
  const ValueId x = unary(g, OpKind::kRelu, g.add_input(map_type()));
  Attrs flatten;
  flatten.axis = 1;
  const ValueId flat = g.add(OpKind::kFlatten, flatten, {x});
  g.add_output(flat);
  const std::vector<LabelKeys> keys = label_keys(g, Uses(g));
  EXPECT_EQ(keys[0].full, 0U);
  EXPECT_NE(keys[1].full, 0U);
  EXPECT_EQ(keys[2].full, 0U);
  EXPECT_EQ(keys[3].full, 0U);
}

TEST(Labels, KeysAreThoseOfTheTextAndIgnoreNeighbourOrder) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const Graph g = random_network(rng, 30);
    const Uses uses(g);
    const std::vector<LabelKeys> keys = label_keys(g, uses);
    for (std::uint32_t n = 0; n < g.num_nodes(); ++n) {
      if (!has_label(g.node(NodeId{n}))) continue;
      for (const bool context_free : {false, true}) {
        const Label label = label_of(g, uses, NodeId{n}, context_free);
        const Label back = parse_label(to_string(label));
        EXPECT_EQ(to_string(back), to_string(label)) << "seed " << seed;
        EXPECT_EQ(label_key(back), context_free ? keys[n].context_free : keys[n].full)
            << to_string(label) << ", seed " << seed;
      }
    }
  }
  EXPECT_EQ(label_key(parse_label("add[relu,conv][add]")),
            label_key(parse_label("add[conv,relu][add]")));
  EXPECT_NE(label_key(parse_label("add[relu][add]")),
            label_key(parse_label("add[relu,relu][add]")));
  EXPECT_NE(label_key(parse_label("relu[add][conv]")), label_key(parse_label("relu[conv][add]")));
  EXPECT_NE(label_key(parse_label("conv3x1")), label_key(parse_label("conv1x3")));
}

TEST(Labels, RefuseTextThatIsNoLabel) {
  auto text_of = [](const std::string& text) { return error_text([&] { parse_label(text); }); };
  EXPECT_EQ(text_of("konv3x3"), "label 'konv3x3': unknown operation 'konv3x3'");
  EXPECT_EQ(text_of("conv"), "label 'conv': unknown operation 'conv'");
  EXPECT_EQ(text_of("relu3x3"), "label 'relu3x3': unknown operation 'relu3x3'");
  EXPECT_EQ(text_of("relu[conv"), "label 'relu[conv': expected a list of operators in brackets");
  EXPECT_EQ(text_of("relu[conv]"), "label 'relu[conv]': expected a list of operators in brackets");
  EXPECT_EQ(text_of("relu[cnv][add]"), "label 'relu[cnv][add]': unknown operator 'cnv'");
  EXPECT_EQ(text_of("relu[][]x"), "label 'relu[][]x': text after the label");
  EXPECT_EQ(text_of("relu6[][]"), "");
}

TEST(Alphabet, BacksOffToTheContextFreeLabelThenToNone) {
  Alphabet alphabet;
  const Label full = parse_label("relu[conv][add]"), bare = parse_label("relu");
  const Symbol f = alphabet.add(full), b = alphabet.add(bare);
  EXPECT_EQ(alphabet.add(full), f);
  EXPECT_EQ(alphabet.symbol_of({label_key(full), label_key(bare)}), f);
  EXPECT_EQ(alphabet.symbol_of({label_key(parse_label("relu[add][add]")), label_key(bare)}), b);
  EXPECT_EQ(alphabet.symbol_of({12345, 67890}), kNoSymbol);
}

TEST(Alphabet, SymbolsSurviveUtf8) {
  std::vector<Symbol> symbols;
  std::string text;
  for (Symbol s = 0; s < Alphabet::kMaxSize; s += s % 1000 == 999 ? 1 : 37) symbols.push_back(s);
  for (const Symbol edge : {19999U, 20000U, 84999U, 85000U, 149999U}) symbols.push_back(edge);
  for (const Symbol s : symbols) append_utf8(s, text);
  EXPECT_EQ(symbols_from_utf8(text), symbols);
  EXPECT_EQ(error_text([] { symbols_from_utf8("a"); }), "byte 0 of a piece is no symbol of ours");
  EXPECT_EQ(error_text([&] { symbols_from_utf8(text.substr(0, 4)); }),
            "byte 3 of a piece is no symbol of ours");
}

}  // namespace
}  // namespace autogo
