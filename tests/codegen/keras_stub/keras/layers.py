"""keras.layers: https://keras.io/api/layers. Maps are N,H,W,C."""

import torch
import torch.nn.functional as F

from . import Layer  # noqa: F401


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _first(x):
    return x.permute(0, 3, 1, 2)


def _last(x):
    return x.permute(0, 2, 3, 1)


def _same_pads(sizes, kernel, strides, dilations):
    """TensorFlow's: as much as the size of the result needs, the odd one at the end."""
    pads = []
    for n, k, s, d in zip(sizes, kernel, strides, dilations):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def _padded(x, layer, value=0.0):
    if layer.padding == "valid":
        return x
    if layer.padding != "same":
        raise ValueError(f"padding {layer.padding}")
    (t, b), (l, r) = _same_pads(x.shape[2:], layer.kernel_size, layer.strides, layer.dilation_rate)
    return F.pad(x, (l, r, t, b), value=value)


class _Conv(Layer):
    def __init__(self, kernel_size, strides, padding, dilation_rate, use_bias, name):
        super().__init__(name=name)
        self.kernel_size, self.strides = _pair(kernel_size), _pair(strides)
        self.dilation_rate, self.padding, self.use_bias = _pair(dilation_rate), padding, use_bias
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError("strides together with dilation_rate")

    def finish(self, channels):
        if self.use_bias:
            self.bias = self.add_weight(shape=(channels,), name="bias")

    def bias_value(self):
        return self.bias.value if self.use_bias else None


class Conv2D(_Conv):
    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None,
                 dilation_rate=(1, 1), groups=1, activation=None, use_bias=True, name=None):
        super().__init__(kernel_size, strides, padding, dilation_rate, use_bias, name)
        self.filters, self.groups = filters, groups

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=self.kernel_size + (shape[-1] // self.groups, self.filters), name="kernel")
        self.finish(self.filters)

    def call(self, x):
        return _last(F.conv2d(_padded(_first(x), self), self.kernel.value.permute(3, 2, 0, 1),
                              self.bias_value(), self.strides, 0, self.dilation_rate, self.groups))


class DepthwiseConv2D(_Conv):
    def __init__(self, kernel_size, strides=(1, 1), padding="valid", depth_multiplier=1,
                 data_format=None, dilation_rate=(1, 1), activation=None, use_bias=True, name=None):
        super().__init__(kernel_size, strides, padding, dilation_rate, use_bias, name)
        self.depth_multiplier = depth_multiplier
        if self.strides[0] != self.strides[1]:
            raise ValueError("uneven strides")  # TensorFlow's depthwise kernel

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=self.kernel_size + (shape[-1], self.depth_multiplier), name="kernel")
        self.finish(shape[-1] * self.depth_multiplier)

    def call(self, x):
        kernel = self.kernel.value
        channels = kernel.shape[2]
        kernel = kernel.permute(2, 3, 0, 1).reshape(-1, 1, *self.kernel_size)
        return _last(F.conv2d(_padded(_first(x), self), kernel, self.bias_value(), self.strides, 0,
                              self.dilation_rate, channels))


class Conv2DTranspose(_Conv):
    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", output_padding=None,
                 data_format=None, dilation_rate=(1, 1), activation=None, use_bias=True, name=None):
        super().__init__(kernel_size, strides, padding, dilation_rate, use_bias, name)
        self.filters = filters
        if padding != "valid" or output_padding is not None:
            raise NotImplementedError

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=self.kernel_size + (self.filters, shape[-1]), name="kernel")
        self.finish(self.filters)

    def call(self, x):
        # "valid": stride x size + max(kernel - stride, 0) cells.
        extra = [max(s - k, 0) for s, k in zip(self.strides, self.kernel_size)]
        y = F.conv_transpose2d(_first(x), self.kernel.value.permute(3, 2, 0, 1), None, self.strides)
        y = F.pad(y, (0, extra[1], 0, extra[0]))
        if self.use_bias:
            y = y + self.bias.value.reshape(1, -1, 1, 1)
        return _last(y)


class Dense(Layer):
    def __init__(self, units, activation=None, use_bias=True, name=None):
        super().__init__(name=name)
        self.units, self.use_bias = units, use_bias

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.units,), name="bias")

    def call(self, x):
        y = x @ self.kernel.value
        return y + self.bias.value if self.use_bias else y


class BatchNormalization(Layer):
    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, name=None):
        super().__init__(name=name)
        self.epsilon = epsilon

    def build(self, shape):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            setattr(self, name, self.add_weight(shape=(shape[-1],), name=name))

    def call(self, x):
        scale = self.gamma.value / (self.moving_variance.value + self.epsilon).sqrt()
        return (x - self.moving_mean.value) * scale + self.beta.value


class LayerNormalization(Layer):
    def __init__(self, axis=-1, epsilon=1e-3, center=True, scale=True, name=None):
        super().__init__(name=name)
        self.epsilon = epsilon

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), name="beta")

    def call(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gamma.value, self.beta.value, self.epsilon)


class GroupNormalization(Layer):
    def __init__(self, groups=32, axis=-1, epsilon=1e-3, center=True, scale=True, name=None):
        super().__init__(name=name)
        self.groups, self.epsilon = groups, epsilon

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), name="beta")

    def call(self, x):
        groups = x.shape[-1] if self.groups == -1 else self.groups
        return _last(F.group_norm(_first(x), groups, self.gamma.value, self.beta.value,
                                  self.epsilon))


class PReLU(Layer):
    def __init__(self, alpha_initializer="Zeros", shared_axes=None, name=None):
        super().__init__(name=name)
        self.shared_axes = shared_axes or []

    def build(self, shape):
        dims = [1 if i in self.shared_axes else n for i, n in enumerate(shape)][1:]
        self.alpha = self.add_weight(shape=tuple(dims), name="alpha")

    def call(self, x):
        return torch.where(x > 0, x, x * self.alpha.value)


class _Pool(Layer):
    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, name=None):
        super().__init__(name=name)
        self.kernel_size = _pair(pool_size)
        self.strides = _pair(strides) if strides is not None else self.kernel_size
        self.padding, self.dilation_rate = padding, (1, 1)


class MaxPooling2D(_Pool):
    def call(self, x):
        return _last(F.max_pool2d(_padded(_first(x), self, -float("inf")), self.kernel_size,
                                  self.strides))


class AveragePooling2D(_Pool):
    def call(self, x):
        x = _first(x)
        ones = _padded(torch.ones_like(x), self)  # padding does not count
        return _last(F.avg_pool2d(_padded(x, self), self.kernel_size, self.strides)
                     / F.avg_pool2d(ones, self.kernel_size, self.strides))


class GlobalAveragePooling2D(Layer):
    def __init__(self, data_format=None, keepdims=False, name=None):
        super().__init__(name=name)
        self.keepdims = keepdims

    def call(self, x):
        return x.mean(dim=(1, 2), keepdim=self.keepdims)


class GlobalMaxPooling2D(GlobalAveragePooling2D):
    def call(self, x):
        return x.amax(dim=(1, 2), keepdim=self.keepdims)


class ZeroPadding2D(Layer):
    def __init__(self, padding=(1, 1), data_format=None, name=None):
        super().__init__(name=name)
        (self.t, self.b), (self.l, self.r) = padding

    def call(self, x):
        return F.pad(x, (0, 0, self.l, self.r, self.t, self.b))


class Cropping2D(Layer):
    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, name=None):
        super().__init__(name=name)
        (self.t, self.b), (self.l, self.r) = cropping

    def call(self, x):
        return x[:, self.t : x.shape[1] - self.b, self.l : x.shape[2] - self.r]


class UpSampling2D(Layer):
    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", name=None):
        super().__init__(name=name)
        self.size, self.interpolation = _pair(size), interpolation

    def call(self, x):
        options = {} if self.interpolation == "nearest" else {"align_corners": False}
        return _last(F.interpolate(_first(x), scale_factor=tuple(map(float, self.size)),
                                   mode=self.interpolation, **options))


class Flatten(Layer):
    def __init__(self, data_format=None, name=None):
        super().__init__(name=name)

    def call(self, x):
        return x.reshape(x.shape[0], -1)


class Concatenate(Layer):
    def __init__(self, axis=-1, name=None):
        super().__init__(name=name)
        self.axis = axis

    def call(self, x):
        return torch.cat(x, dim=self.axis)
