#include "any_size.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace autogo {

AnySize::AnySize(const Graph& graph) {
  const Shape in = graph.output_type(graph.input_nodes().at(0)).shape;
  for (std::uint32_t v = 0; v < graph.num_values(); ++v) {
    const TensorType& type = graph.type(ValueId{v});
    if (type.layout != Layout::kChannelsFirst || type.shape.rank() != 4) continue;
    for (const std::size_t d : {2U, 3U}) {
      if (type.shape[d] <= 1 || type.shape[d] >= in[d]) continue;  // 1: pooled, not a map
      factor_ = std::max(factor_, (in[d] + type.shape[d] - 1) / type.shape[d]);
    }
  }
}

NetModule::Tensors AnySize::forward(NetModule& net, const torch::Tensor& input) const {
  const std::int64_t h = input.size(2), w = input.size(3);
  const std::int64_t more_h = (factor_ - h % factor_) % factor_,
                     more_w = (factor_ - w % factor_) % factor_;
  if (more_h == 0 && more_w == 0) return net.forward({input});
  const torch::Tensor wide = at::replication_pad2d(input, {0, more_w, 0, more_h});
  NetModule::Tensors outputs = net.forward({wide});
  for (torch::Tensor& output : outputs) {
    output = output.narrow(2, 0, output.size(2) * h / (h + more_h))
                 .narrow(3, 0, output.size(3) * w / (w + more_w));
  }
  return outputs;
}

}  // namespace autogo
