#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "autogo/graph/graph.h"

namespace autogo {

/// How a convolution departs from the plain one: stride 1, no groups, no bias, padding SAME.
struct ConvOptions {
  std::int32_t stride = 1;
  bool bias = false;
  std::int32_t in_channels = 0;  ///< above 0: reads only that many channels of its input
  int pad = -1;                  ///< explicit padding on all four sides; -1: SAME
};

/// Shorthand for writing networks down as they are read in a paper, one call an operation. Shapes
/// follow from the shape rules, so a network that is written wrong does not build.
class NetBuilder {
 public:
  ValueId input(std::int64_t channels, std::int64_t height, std::int64_t width);
  void output(ValueId x) { graph_.add_output(x); }

  ValueId conv(ValueId x, std::int32_t kernel, std::int32_t channels,
               const ConvOptions& options = {});
  /// With padding SAME. @param kernel, stride  {height, width}
  ValueId conv(ValueId x, std::array<std::int32_t, 2> kernel, std::array<std::int32_t, 2> stride,
               std::int32_t channels, bool bias);
  ValueId depthwise(ValueId x, std::int32_t kernel, const ConvOptions& options = {});
  ValueId conv_transpose(ValueId x, std::int32_t kernel, std::int32_t channels, std::int32_t stride,
                         std::int32_t pad, std::int32_t output_padding);
  ValueId dense(ValueId x, std::int32_t units);  ///< with bias
  ValueId batch_norm(ValueId x, float epsilon = 1e-5F);
  ValueId simple(OpKind op, ValueId x) { return graph_.add(op, Attrs{}, {x}); }
  ValueId relu(ValueId x) { return simple(OpKind::kRelu, x); }
  /// Element-wise sum. @param channels  above 0: wider operands count with their first `channels`
  ValueId add(const std::vector<ValueId>& terms, std::int32_t channels = 0);
  ValueId add(ValueId a, ValueId b) { return add(std::vector<ValueId>{a, b}); }
  ValueId concat(const std::vector<ValueId>& parts);
  /// Max or average pooling. @param pad as in ConvOptions; averages leave padding out
  ValueId pool(OpKind op, ValueId x, std::int32_t kernel, std::int32_t stride,
               std::int32_t in_channels = 0, int pad = -1);
  ValueId depth_to_space(ValueId x, std::int32_t block);
  /// Mean over height and width that drops both: N,C,H,W to N,C.
  ValueId global_mean(ValueId x);

  const TensorType& type(ValueId x) const { return graph_.type(x); }
  std::int64_t channels(ValueId x) const { return feature_map(graph_.type(x)).c; }
  Graph take() { return std::move(graph_); }

 private:
  Graph graph_;
};

}  // namespace autogo
