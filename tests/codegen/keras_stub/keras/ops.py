"""keras.ops: https://keras.io/api/ops."""

import torch
import torch.nn.functional as F

from . import Variable, symbolic


def _function(function):
    return symbolic(function)


relu = _function(lambda x: F.relu(x))
relu6 = _function(lambda x: F.relu6(x))
silu = _function(lambda x: F.silu(x))
hard_silu = _function(lambda x: F.hardswish(x))
hard_sigmoid = _function(lambda x: F.hardsigmoid(x))
sigmoid = _function(lambda x: torch.sigmoid(x))
tanh = _function(lambda x: torch.tanh(x))
softplus = _function(lambda x: F.softplus(x))
softsign = _function(lambda x: F.softsign(x))
selu = _function(lambda x: F.selu(x))
erf = _function(lambda x: torch.erf(x))
exp = _function(lambda x: torch.exp(x))
log = _function(lambda x: torch.log(x))
sqrt = _function(lambda x: torch.sqrt(x))
abs = _function(lambda x: torch.abs(x))
negative = _function(lambda x: -x)
sign = _function(lambda x: torch.sign(x))
sin = _function(lambda x: torch.sin(x))
cos = _function(lambda x: torch.cos(x))
floor = _function(lambda x: torch.floor(x))
ceil = _function(lambda x: torch.ceil(x))
ones_like = _function(lambda x: torch.ones_like(x))
zeros_like = _function(lambda x: torch.zeros_like(x))


@symbolic
def elu(x, alpha=1.0):
    return F.elu(x, alpha)


@symbolic
def gelu(x, approximate=True):
    return F.gelu(x, approximate="tanh" if approximate else "none")


@symbolic
def leaky_relu(x, negative_slope=0.2):
    return F.leaky_relu(x, negative_slope)


@symbolic
def clip(x, x_min, x_max):
    return x.clamp(x_min, x_max)


@symbolic
def maximum(x1, x2):
    return torch.maximum(torch.as_tensor(x1, dtype=torch.float32), torch.as_tensor(x2, dtype=torch.float32))


@symbolic
def minimum(x1, x2):
    return torch.minimum(torch.as_tensor(x1, dtype=torch.float32), torch.as_tensor(x2, dtype=torch.float32))


@symbolic
def where(condition, x1=None, x2=None):
    return torch.where(condition, torch.as_tensor(x1), torch.as_tensor(x2))


@symbolic
def cast(x, dtype):
    return x.to(getattr(torch, dtype))


@symbolic
def transpose(x, axes=None):
    return x.permute(axes if axes is not None else tuple(reversed(range(x.dim()))))


@symbolic
def reshape(x, newshape):
    return x.reshape(newshape)


@symbolic
def squeeze(x, axis=None):
    if x.shape[axis] != 1:
        raise ValueError("squeezes an axis that is not 1")
    return x.squeeze(axis)


@symbolic
def expand_dims(x, axis):
    return x.unsqueeze(axis)


@symbolic
def split(x, indices_or_sections, axis=0):
    return list(torch.tensor_split(x, indices_or_sections, dim=axis))


@symbolic
def pad(x, pad_width, mode="constant", constant_values=None):
    order = [n for pair in reversed(pad_width) for n in pair]
    if mode == "constant":
        return F.pad(x, order, value=0.0 if constant_values is None else constant_values)
    if mode != "reflect" or constant_values is not None:
        raise ValueError(mode)
    for axis, (before, after) in enumerate(pad_width):
        n = x.shape[axis]
        index = [abs_index(i, n) for i in range(-before, n + after)]
        x = x.index_select(axis, torch.tensor(index))
    return x


def abs_index(i, n):
    i = -i if i < 0 else i
    return 2 * (n - 1) - i if i >= n else i


@symbolic
def matmul(x1, x2):
    return x1 @ x2


@symbolic
def softmax(x, axis=-1):
    return F.softmax(x, dim=axis)


@symbolic
def log_softmax(x, axis=-1):
    return F.log_softmax(x, dim=axis)


@symbolic
def mean(x, axis=None, keepdims=False):
    return x.mean(dim=axis, keepdim=keepdims)


@symbolic
def sum(x, axis=None, keepdims=False):
    return x.sum(dim=axis, keepdim=keepdims)


@symbolic
def max(x, axis=None, keepdims=False, initial=None):
    return x.amax(dim=axis, keepdim=keepdims)


@symbolic
def min(x, axis=None, keepdims=False, initial=None):
    return x.amin(dim=axis, keepdim=keepdims)


def convert_to_tensor(x, dtype=None):
    return x.value if isinstance(x, Variable) else torch.as_tensor(x)


def convert_to_numpy(x):
    return x.numpy()
