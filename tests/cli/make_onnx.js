// Writes small ONNX files, good and bad ones, byte by byte: node make_onnx.js KIND OUT.
// A protobuf message is a list of fields; a field is a key, (number << 3) | wire type, and a value.
'use strict';
const fs = require('fs');

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => {
  const content = Buffer.isBuffer(value) ? value : Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
};
const message = (...fields) => Buffer.concat(fields.flat());

const dim = (d) => bytes(1, typeof d === 'number' ? number(1, d) : bytes(2, d));
const info = (name, dims) =>
  message(bytes(1, name), bytes(2, bytes(1, message(number(1, 1),
    dims ? bytes(2, message(...dims.map(dim))) : []))));
const ints = (name, values) =>
  message(bytes(1, name), values.map((v) => number(8, v)), number(20, 7));
const node = (op, name, inputs, outputs, attributes = []) =>
  message(inputs.map((i) => bytes(1, i)), outputs.map((o) => bytes(2, o)), bytes(3, name),
    bytes(4, op), attributes.map((a) => bytes(5, a)));
const weights = (name, dims) =>
  message(dims.map((d) => number(1, d)), number(2, 1), bytes(8, name),
    bytes(9, Buffer.alloc(4 * dims.reduce((a, b) => a * b, 1))));
const external = (name, dims, file) =>
  message(dims.map((d) => number(1, d)), number(2, 1), bytes(8, name),
    bytes(13, message(bytes(1, 'location'), bytes(2, file))), number(14, 1));
const longs = (name, values) =>
  message(number(1, values.length), number(2, 7), values.map((v) => number(7, v)), bytes(8, name));
const integer = (name, value) => message(bytes(1, name), number(3, value), number(20, 2));
const model = ({nodes, initializers = [], inputs, outputs, opset = 13}) =>
  message(number(1, 8), bytes(7, message(nodes.map((n) => bytes(1, n)), bytes(2, 'g'),
    initializers.map((t) => bytes(5, t)), inputs.map((i) => bytes(11, i)),
    outputs.map((o) => bytes(12, o)))), bytes(8, message(bytes(1, ''), number(2, opset))));

const conv = (pads) => node('Conv', 'conv1', ['x', 'w'], ['y'], [ints('kernel_shape', [3, 3]), ints('pads', pads)]);
const image = [1, 3, 8, 8];
// A convolution x to a, `nodes` from a to c, two convolutions that a search can replace.
const joined = (nodes, more = []) => model({
  nodes: [node('Conv', 'stem', ['x', 'w'], ['a'], [ints('pads', [1, 1, 1, 1])]), ...nodes,
    node('Conv', 'one', ['c', 'w1'], ['d'], [ints('pads', [1, 1, 1, 1])]), node('Relu', 'relu', ['d'], ['e']),
    node('Conv', 'two', ['e', 'w1'], ['y'], [ints('pads', [1, 1, 1, 1])])],
  initializers: [weights('w', [8, 3, 3, 3]), weights('w1', [8, 8, 3, 3]), ...more],
  inputs: [info('x', [1, 3, 16, 16])], outputs: [info('y', null)]});
const kinds = {
  good: () => model({nodes: [conv([1, 1, 1, 1]), node('Relu', 'relu1', ['y'], ['z'])],
    initializers: [weights('w', [4, 3, 3, 3])], inputs: [info('x', image)], outputs: [info('z', [1, 4, 8, 8])]}),
  bad_pads: () => model({nodes: [conv([1, 1, 1])], initializers: [weights('w', [4, 3, 3, 3])],
    inputs: [info('x', image)], outputs: [info('y', [1, 4, 8, 8])]}),
  long_bias: () => model({nodes: [node('Conv', 'conv1', ['x', 'w', 'b'], ['y'])],
    initializers: [weights('w', [4, 3, 3, 3]), weights('b', [7])],
    inputs: [info('x', image)], outputs: [info('y', [1, 4, 6, 6])]}),
  cyclic: () => model({nodes: [node('Add', 'add1', ['x', 'b'], ['a']), node('Relu', 'relu1', ['a'], ['b'])],
    inputs: [info('x', image)], outputs: [info('b', image)]}),
  dangling: () => model({nodes: [node('Relu', 'relu1', ['nothing'], ['y'])],
    inputs: [info('x', image)], outputs: [info('y', image)]}),
  no_shape: () => model({nodes: [conv([1, 1, 1, 1])], initializers: [weights('w', [4, 3, 3, 3])],
    inputs: [info('x', null)], outputs: [info('y', null)]}),
  dynamic: () => model({nodes: [conv([1, 1, 1, 1])], initializers: [weights('w', [4, 3, 3, 3])],
    inputs: [info('x', ['batch', 3, 'height', 'width'])],
    outputs: [info('y', ['batch', 4, 'height', 'width'])]}),
  quantised: () => model({nodes: [node('DynamicQuantizeLinear', 'q1', ['x'], ['q', 's', 'z']),
    node('DequantizeLinear', 'd1', ['q', 's', 'z'], ['y'])], inputs: [info('x', image)], outputs: [info('y', image)]}),
  no_data: () => model({nodes: [conv([1, 1, 1, 1])], initializers: [external('w', [4, 3, 3, 3], 'weights.bin')],
    inputs: [info('x', image)], outputs: [info('y', [1, 4, 8, 8])]}),
  outside_data: () => model({nodes: [conv([1, 1, 1, 1])],
    initializers: [external('w', [4, 3, 3, 3], '../weights.bin')],
    inputs: [info('x', image)], outputs: [info('y', [1, 4, 8, 8])]}),
  new_opset: () => model({nodes: [conv([1, 1, 1, 1])], initializers: [weights('w', [4, 3, 3, 3])],
    inputs: [info('x', image)], outputs: [info('y', [1, 4, 8, 8])], opset: 99}),
  rows: () => joined([node('MaxPool', 'half', ['a'], ['m'], [ints('kernel_shape', [2, 1]), ints('strides', [2, 1])]),
    node('Concat', 'below', ['a', 'm'], ['c'], [integer('axis', 2)])]),
  roll: () => joined([node('Slice', 'right', ['a', 'two', 'end', 'columns'], ['p']),
    node('Slice', 'left', ['a', 'zero', 'two', 'columns'], ['q']),
    node('Concat', 'roll', ['p', 'q'], ['c'], [integer('axis', 3)])],
  [longs('zero', [0]), longs('two', [2]), longs('end', [2 ** 31]), longs('columns', [3])]),
  plain: () => joined([node('Relu', 'first', ['a'], ['c'])]),
  view: () => model({nodes: [conv([1, 1, 1, 1]), node('Shape', 'shape', ['y'], ['s']),
    node('Gather', 'batch', ['s', 'zero'], ['n']), node('Concat', 'to', ['n', 'rest'], ['t'], [integer('axis', 0)]),
    node('Reshape', 'view', ['y', 't'], ['r']), node('Gemm', 'head', ['r', 'h'], ['z'])],
  initializers: [weights('w', [4, 3, 3, 3]), weights('h', [256, 5]), longs('zero', [0]), longs('rest', [-1])],
  inputs: [info('x', ['N', 3, 8, 8])], outputs: [info('z', ['N', 5])]}),
  determinant: () => model({nodes: [node('Det', 'mystery1', ['x'], ['y'])],
    inputs: [info('x', image)], outputs: [info('y', [1, 3])]}),
};
const [kind, out] = process.argv.slice(2);
fs.writeFileSync(out, kinds[kind]());
