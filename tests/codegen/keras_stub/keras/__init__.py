"""The part of Keras 3 that exported files use, computed by torch.

Keras cannot be installed where the tests run. This is written from its documentation: names,
arguments and their defaults, the order of weights' dimensions, and TensorFlow's "same" padding. An
argument that Keras does not have is a TypeError here as there. Where Keras is installed, the tests
use it instead.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as F

EXAMPLE_BATCH = 2  # symbolic values carry an example, so that shapes are known


class KerasTensor:
    """A symbolic value: how it is computed, and an example."""

    def __init__(self, compute, parents, example):
        self.compute, self.parents, self.example = compute, parents, example

    @property
    def shape(self):
        dims = tuple(self.example.shape)
        return (None if dims[:1] == (EXAMPLE_BATCH,) else dims[0],) + dims[1:]

    def __add__(self, other): return _add(self, other)
    def __radd__(self, other): return _add(other, self)
    def __sub__(self, other): return _sub(self, other)
    def __rsub__(self, other): return _sub(other, self)
    def __mul__(self, other): return _mul(self, other)
    def __rmul__(self, other): return _mul(other, self)
    def __truediv__(self, other): return _div(self, other)
    def __rtruediv__(self, other): return _div(other, self)
    def __pow__(self, other): return _pow(self, other)
    def __gt__(self, other): return _gt(self, other)
    def __lt__(self, other): return _lt(self, other)
    def __getitem__(self, index): return _item(self, index)


def symbolic(function):
    """On symbolic operands, gives a symbolic result; a list counts as operands."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        flat = [v for a in args for v in (a if isinstance(a, (list, tuple)) else [a])]
        parents = [v for v in flat if isinstance(v, KerasTensor)]
        if not parents:
            return function(*args, **kwargs)

        def compute(values):
            values = iter(values)

            def fill(a):
                if isinstance(a, KerasTensor):
                    return next(values)
                if isinstance(a, (list, tuple)) and any(isinstance(v, KerasTensor) for v in a):
                    return [fill(v) for v in a]
                return a

            return function(*[fill(a) for a in args], **kwargs)

        example = compute([p.example for p in parents])
        if isinstance(example, (list, tuple)):
            return [KerasTensor(lambda v, i=i: compute(v)[i], parents, e)
                    for i, e in enumerate(example)]
        return KerasTensor(compute, parents, example)

    return call


_add = symbolic(lambda a, b: a + b)
_sub = symbolic(lambda a, b: a - b)
_mul = symbolic(lambda a, b: a * b)
_div = symbolic(lambda a, b: a / b)
_pow = symbolic(lambda a, b: a**b)
_gt = symbolic(lambda a, b: a > b)
_lt = symbolic(lambda a, b: a < b)


def _item(x, index):
    return symbolic(lambda v: v[index])(x)


def Input(shape=None, batch_size=None, dtype=None, name=None):
    return KerasTensor(None, [], torch.zeros((EXAMPLE_BATCH,) + tuple(shape)))


class Variable:
    def __init__(self, name, shape):
        self.name, self.value = name, torch.zeros(shape)

    @property
    def shape(self):
        return tuple(self.value.shape)

    def assign(self, array):
        array = torch.from_numpy(np.array(array))
        if tuple(array.shape) != self.shape:
            raise ValueError(f"{self.name}: shape {tuple(array.shape)}, expected {self.shape}")
        self.value = array


class Layer:
    made = []  # in the order of their first call

    def __init__(self, trainable=True, name=None, dtype=None):
        self.trainable, self.name, self.weights, self.built = trainable, name, [], False

    def add_weight(self, shape=None, initializer=None, dtype=None, trainable=True, name=None):
        self.weights.append(Variable(name, shape))
        return self.weights[-1]

    def build(self, input_shape):
        pass

    def get_config(self):
        return {"name": self.name}

    def __call__(self, inputs):
        if not self.built:
            first = inputs[0] if isinstance(inputs, list) else inputs
            self.build(tuple(first.shape))
            self.built = True
            Layer.made.append(self)
        return symbolic(lambda v: self.call(v))(inputs)


class Model:
    def __init__(self, inputs=None, outputs=None, name=None):
        self.inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        self.outputs = outputs
        self.layers = list(Layer.made)
        names = [layer.name for layer in self.layers if layer.weights]
        if len(set(names)) != len(names):
            raise ValueError("layers of the same name")

    def __call__(self, inputs):
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        known = {id(k): torch.as_tensor(v) for k, v in zip(self.inputs, inputs, strict=True)}

        def value(node):
            stack = [node]
            while stack:
                top = stack[-1]
                unvisited = [p for p in top.parents if id(p) not in known]
                if id(top) in known:
                    stack.pop()
                elif unvisited:
                    stack.extend(unvisited)
                else:
                    known[id(top)] = top.compute([known[id(p)] for p in top.parents])
                    stack.pop()
            return known[id(node)]

        if isinstance(self.outputs, (list, tuple)):
            return [value(o) for o in self.outputs]
        return value(self.outputs)


class backend:
    @staticmethod
    def clear_session():
        Layer.made.clear()


from . import activations, layers, ops  # noqa: E402
