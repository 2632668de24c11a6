#pragma once

#include <cstdint>

#include "autogo/graph/op.h"

namespace autogo {

/// A window along one axis, as ONNX defines Conv, MaxPool and ConvTranspose. The one place of its
/// arithmetic: shape rules, propagation and the importer's inference ask here.
struct WindowAxis {
  std::int64_t kernel = 1, stride = 1, dilation = 1;  ///< at least 1
  std::int64_t begin = 0, end = 0;                    ///< pads
  std::int64_t output_padding = 0;                    ///< of a window that spreads
  bool same = false;  ///< sizes by rule: in / stride rounded up, or in x stride; no pads
  bool ceil = false;  ///< round up, but a window starts inside

  /// From the first to the last place that it looks at.
  std::int64_t extent() const { return dilation * (kernel - 1) + 1; }
  /// Output size of a window that slides over `input` places; 0 when it does not fit.
  std::int64_t slide(std::int64_t input) const;
  /// Output size of a transposed convolution; 0 or less when there is none.
  std::int64_t spread(std::int64_t input) const;
};

/// Of a node of the table. @param dim  0 is height, 1 is width
WindowAxis window_axis(const Attrs& attrs, int dim);

}  // namespace autogo
