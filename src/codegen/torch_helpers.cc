// Python functions that a file has when its network needs them.

#include <array>

#include "autogo/base/error.h"
#include "torch_ops.h"

namespace autogo {
namespace {

struct Helper {
  std::string_view name, text;
};

constexpr std::array<Helper, 12> kHelpers{{
    {"average_real", R"(def average_real(x, kernel, stride, pads):
    """Average over the real cells of each window; padding does not count."""
    ones = F.pad(torch.ones_like(x[:1, :1]), pads)
    return F.avg_pool2d(F.pad(x, pads), kernel, stride) / F.avg_pool2d(ones, kernel, stride)
)"},
    {"depth_to_space", R"(def depth_to_space(x, block):
    """Channels to space, blocks first (ONNX DepthToSpace, mode DCR)."""
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, c // block**2, h * block, w * block)
)"},
    {"expand", R"(def expand(x, shape):
    """Broadcasts x and a shape that is computed against each other."""
    return x.expand(torch.broadcast_shapes(x.shape, shape.tolist()))
)"},
    {"gather", R"(def gather(x, index, axis):
    """Entries of an axis, picked by an index of any shape."""
    picked = x.index_select(axis, index.flatten() % x.shape[axis])
    return picked.reshape(x.shape[:axis] + index.shape + x.shape[axis + 1 :])
)"},
    {"gather_elements", R"(def gather_elements(x, index, axis):
    """Entries of an axis, an index for each."""
    return x.gather(axis, index % x.shape[axis])
)"},
    {"log_softmax_from", R"(def log_softmax_from(x, axis):
    """Over all axes from `axis` on, taken as one."""
    return F.log_softmax(x.flatten(axis), dim=axis).reshape(x.shape)
)"},
    {"normalize", R"(def normalize(x, axes):
    """To mean 0 and variance 1 over some axes."""
    x = x - x.mean(dim=axes, keepdim=True)
    return x / (x.square().mean(dim=axes, keepdim=True).sqrt() + 1e-9)
)"},
    {"prelu", R"(def prelu(x, slope):
    """PReLU with a slope of any shape that broadcasts."""
    return torch.where(x < 0, x * slope, x)
)"},
    {"reshape", R"(def reshape(x, shape):
    """To a shape that is computed; 0 copies a dimension."""
    shape = [x.shape[i] if d == 0 else d for i, d in enumerate(shape.tolist())]
    return x.reshape(shape)
)"},
    {"resize_asymmetric", R"(def resize_asymmetric(x, factors):
    """Bilinear, output position i at i / factor."""
    h, w = x.shape[2] * factors[0], x.shape[3] * factors[1]
    x = F.pad(x, (0, 1, 0, 1), mode="replicate")
    x = F.interpolate(x, size=(h + 1, w + 1), mode="bilinear", align_corners=True)
    return x[:, :, :h, :w]
)"},
    {"softmax_from", R"(def softmax_from(x, axis):
    """Over all axes from `axis` on, taken as one."""
    return F.softmax(x.flatten(axis), dim=axis).reshape(x.shape)
)"},
    {"space_to_depth", R"(def space_to_depth(x, block):
    """Space to channels, blocks first (ONNX SpaceToDepth)."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * block**2, h // block, w // block)
)"},
}};

}  // namespace

std::string_view torch_helper(const std::string& name) {
  for (const Helper& helper : kHelpers) {
    if (helper.name == name) return helper.text;
  }
  AUTOGO_CHECK(false);
  return {};
}

}  // namespace autogo
