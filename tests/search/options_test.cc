#include "search/run/options.h"

#include <gtest/gtest.h>

#include "search_support.h"

namespace autogo {
namespace {

template <typename F>
std::string usage_error(F f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
  return "no error";
}

TEST(SearchOptions, WindowIsExclusive) {
  const CostModels models({make_counting_model()});
  const std::vector<double> input(models.measures().size(), 1000);
  const std::vector<Bound> window = bounds_of({}, models, input);  // -20 % to +10 %
  const auto contains = [&](double macs) {
    std::vector<double> costs = input;
    costs[models.place("macs", "test")] = macs;
    return keeps(window, costs);
  };
  EXPECT_FALSE(contains(800));
  EXPECT_TRUE(contains(801));
  EXPECT_TRUE(contains(1099));
  EXPECT_FALSE(contains(1100));
}

TEST(SearchOptions, AnEmptyWindowIsRefused) {
  SearchOptions options;
  options.max_flops_increase = -30;
  EXPECT_EQ(usage_error([&] { validate(options); }),
            "the FLOPs window is empty: changes must lie above -20 % (--max-flops-decrease) and "
            "below -30 % (--max-flops-increase); raise one of them");
  options.max_flops_increase = -5;  // at least five percent fewer
  validate(options);
  options.max_flops_decrease = -1;
  EXPECT_EQ(usage_error([&] { validate(options); }),
            "--max-flops-decrease -1: expected a number from 0 to 100");
}

TEST(SearchOptions, ObjectivesAreNamed) {
  SearchOptions options;
  const auto refusal = [&](const char* objective) {
    options.objective = objective;
    return usage_error([&] { validate(options); });
  };
  for (const char* good : {"params", "flops,params", "weight-bytes, peak_memory,macs"}) {
    EXPECT_EQ(refusal(good), "no error");
  }
  EXPECT_EQ(refusal("speed"), "--objective: no such measure 'speed'; expected one of " +
                                  standard_cost_models().words());
  EXPECT_EQ(refusal("flops,"),
            "--objective 'flops,': expected one or several measures, like flops or flops,params");
  EXPECT_EQ(refusal("peak-memory,peak_memory"),
            "--objective 'peak-memory,peak_memory': names 'peak_memory' twice");
}

TEST(SearchOptions, OperatorsAreTheInputsOwnPlusAllowedLessDenied) {
  const Graph g = testing::token_network();
  const OpSet own{OpKind::kAdd, OpKind::kLayerNorm, OpKind::kDense, OpKind::kGelu};
  SearchOptions options;
  EXPECT_EQ(allowed_ops(options, g), own);
  options.allow_ops = {"relu", "swish"};
  options.deny_ops = {"gelu"};
  EXPECT_EQ(allowed_ops(options, g), (OpSet{OpKind::kAdd, OpKind::kLayerNorm, OpKind::kDense,
                                            OpKind::kRelu, OpKind::kSwish}));
  options.allow_ops = {"all"};
  const OpSet all = allowed_ops(options, g);
  EXPECT_TRUE(all.contains(OpKind::kDepthwiseConv));
  for (const OpKind op : {OpKind::kGelu, OpKind::kReshape, OpKind::kOpaque}) {
    EXPECT_FALSE(all.contains(op)) << op_name(op);
  }
}

TEST(SearchOptions, AttentionIsTheNetworksOwnOnlyIfANewOneWouldBeTheSame) {
  Attrs heads;
  heads.out_channels = 32;
  heads.group = 4;
  heads.block = 8;
  const auto allowed = [&](bool masked, std::int32_t axis, bool asked) {
    Graph g;
    heads.axis = axis;
    std::vector<ValueId> inputs{g.add_input(testing::tensor({9, 9, 32}))};
    if (masked) inputs.push_back(g.add_input(testing::tensor({9, 1, 1, 9})));
    g.add_output(g.add(OpKind::kAttention, heads, inputs));
    SearchOptions options;
    if (asked) options.allow_ops = {"attention"};
    return allowed_ops(options, g).contains(OpKind::kAttention);
  };
  EXPECT_TRUE(allowed(false, 1, false));
  EXPECT_FALSE(allowed(true, 1, false));
  EXPECT_TRUE(allowed(true, 1, true));
  EXPECT_FALSE(allowed(false, 0, false));  // tokens first
}

TEST(SearchOptions, UnknownOperatorsSayTheNearest) {
  SearchOptions options;
  options.deny_ops = {"maxpool"};
  EXPECT_EQ(usage_error([&] { allowed_ops(options, testing::token_network()); }),
            "--deny-ops 'maxpool': no such operator; did you mean 'max_pool'?");
  options.deny_ops = {};
  options.allow_ops = {"reshape"};
  EXPECT_EQ(usage_error([&] { allowed_ops(options, testing::token_network()); }),
            "--allow-ops 'reshape': autogo cannot create this operator anew");
}

TEST(SearchOptions, ConfigurationRoundTrip) {
  SearchConfig config = testing::small_config();
  config.model = "m.onnx";
  config.input_shapes = {{"x", {1, 3, 8, 8}}};
  config.options.objective = "macs";
  config.options.mutation = MutationUnit::kOperator;
  config.options.max_flops_decrease = 12.5;
  config.options.allow_ops = {"gelu"};
  config.options.freeze = {"a*"};
  config.options.seed = 0xffffffffffffffffULL;
  const OrderedJson json = config_to_json(config);
  const SearchConfig back = config_from_json(parse_json(json.dump(), "c"), "c");
  EXPECT_EQ(config_to_json(back).dump(), json.dump());
  EXPECT_EQ(back.options.seed, config.options.seed);
  Json newer = parse_json(json.dump(), "c");
  newer["version"] = 3;
  EXPECT_THROW(config_from_json(newer, "c"), Error);
}

TEST(SearchOptions, InfiniteNumbersSurviveJson) {
  SearchConfig config = testing::small_config();
  for (const double gain : {-std::numeric_limits<double>::infinity(), -1e308, 5e-324, 0.1,
                            std::numeric_limits<double>::infinity()}) {
    config.options.min_gain = gain;
    const std::string text = config_to_json(config).dump();
    EXPECT_EQ(config_from_json(parse_json(text, "c"), "c").options.min_gain, gain) << text;
  }
  config.options.training_images = std::numeric_limits<double>::infinity();
  EXPECT_EQ(usage_error([&] { validate(config.options); }),
            "--training-images: expected a number, 0 or more");
}

}  // namespace
}  // namespace autogo
