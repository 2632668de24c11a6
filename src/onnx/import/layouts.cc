// Where the channels of rank-4 values are, told by what is done with them.
//
// Networks that come from TensorFlow and Keras keep their maps as N x H x W x C and transpose them
// for each operator that ONNX defines on N x C x H x W only. The shape of an input does not say
// which of the two it is (1 x 8 x 8 x 8), its use does: a convolution reads channels in axis 1, the
// transpose before it says where they came from, and operators that leave the axes in their places
// pass that on in both directions. So convolutions, pools and their like are certain, and from them
// certainty spreads to producers and consumers. What it does not reach stays kNone; the first word
// counts, should a file contradict itself.
//
// Every value is visited once when it becomes known: linear in uses. Tested by
// tests/onnx/layouts_test.cc.

#include "layouts.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autogo {
namespace {

/// Operators that ONNX defines on channels in axis 1.
constexpr std::array<std::string_view, 18> kChannelsInAxis1 = {"AveragePool",
                                                               "BatchNormalization",
                                                               "Conv",
                                                               "ConvInteger",
                                                               "ConvTranspose",
                                                               "DeformConv",
                                                               "DepthToSpace",
                                                               "GlobalAveragePool",
                                                               "GlobalLpPool",
                                                               "GlobalMaxPool",
                                                               "GroupNormalization",
                                                               "InstanceNormalization",
                                                               "LRN",
                                                               "LpPool",
                                                               "MaxPool",
                                                               "MaxUnpool",
                                                               "QLinearConv",
                                                               "SpaceToDepth"};

/// Operators whose output may have other axes than an input of the same rank.
constexpr std::array<std::string_view, 8> kOwnAxes = {
    "Attention", "Einsum", "Flatten", "Gemm", "MatMul", "Reshape", "Squeeze", "Unsqueeze"};

class Finder {
 public:
  explicit Finder(const ImportView& view)
      : view_(view), layouts_(view.source().values.size(), Layout::kNone) {}

  std::vector<Layout> run() {
    const auto count = static_cast<int>(view_.source().nodes.size());
    for (int i = 0; i < count; ++i) {
      if (live(i) && std::ranges::any_of(kChannelsInAxis1,
                                         [&](std::string_view op) { return view_.is(i, op); })) {
        know(view_.input(i, 0), Layout::kChannelsFirst);
        know(view_.output(i), Layout::kChannelsFirst);
      }
    }
    while (!fresh_.empty()) {
      const int value = fresh_.back();
      fresh_.pop_back();
      if (const int producer = view_.producer(value); producer >= 0 && live(producer)) {
        spread(producer, value);
      }
      for (const int user : view_.users(value)) spread(user, value);
    }
    return std::move(layouts_);
  }

 private:
  bool live(int node) const {
    return view_.node(node).state == OnnxNode::State::kLive && !view_.node(node).outputs.empty();
  }

  void know(int value, Layout layout) {
    if (value < 0 || layout == Layout::kNone || !view_.computed(value)) return;
    const Dims& dims = view_.dims(value);
    Layout& known = layouts_[static_cast<std::size_t>(value)];
    if (!dims || dims->size() != 4 || known != Layout::kNone) return;
    known = layout;
    fresh_.push_back(value);
  }

  /// What the layout of one value of a node says of its others.
  void spread(int node, int value) {
    const Layout layout = layouts_[static_cast<std::size_t>(value)];
    if (view_.is(node, "Transpose")) {
      const auto perm = attribute_ints(view_.proto(node), "perm");
      if (!perm || perm->size() != 4) return;
      const bool forward = view_.input(node, 0) == value;
      know(forward ? view_.output(node) : view_.input(node, 0),
           forward ? transposed(layout, *perm) : untransposed(layout, *perm));
      return;
    }
    const bool own_axes =
        std::ranges::any_of(kOwnAxes, [&](std::string_view op) { return view_.is(node, op); });
    if (own_axes || !view_.node(node).captured.empty()) return;
    const OnnxNode& n = view_.node(node);
    for (std::size_t i = 0; i < n.inputs.size(); ++i) know(view_.input(node, i), layout);
    for (const int output : n.outputs) know(output, layout);
  }

  static std::int64_t channel_axis(Layout layout) {
    return layout == Layout::kChannelsFirst ? 1 : 3;
  }
  static Layout with_channels_in(std::int64_t axis) {
    if (axis == 1) return Layout::kChannelsFirst;
    return axis == 3 ? Layout::kChannelsLast : Layout::kNone;
  }
  static Layout transposed(Layout in, const std::vector<std::int64_t>& perm) {
    if (perm[0] != 0) return Layout::kNone;
    return with_channels_in(std::ranges::find(perm, channel_axis(in)) - perm.begin());
  }
  static Layout untransposed(Layout out, const std::vector<std::int64_t>& perm) {
    if (perm[0] != 0) return Layout::kNone;
    return with_channels_in(perm[static_cast<std::size_t>(channel_axis(out))]);
  }

  const ImportView& view_;
  std::vector<Layout> layouts_;
  std::vector<int> fresh_;  // known, and not yet spread
};

}  // namespace

std::vector<Layout> layouts_by_use(const ImportView& view) { return Finder(view).run(); }

}  // namespace autogo
