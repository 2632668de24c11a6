// Runs ONNX models in ONNX Runtime: the tests' judge of what a valid model is.
//
//   node ort_check.mjs run A.onnx B.onnx ...        each model runs
//   node ort_check.mjs compare A.onnx B.onnx ...    pairs: same outputs, bit for bit
//   node ort_check.mjs record A.onnx B.onnx ...     runs, writes inputs and outputs to A.onnx.io: a
//                                                   line of JSON, then the bytes of the tensors
//   node ort_check.mjs run - / compare - / record - the list on standard input, one path a line
//
// One line a model or pair on standard output, "ok PATH ..." or "FAIL PATH REASON"; exit code 1 when
// any failed, 77 when onnxruntime-node is missing. It is looked for in $AUTOGO_ORT (a node_modules
// folder) and ../node_modules beside the source tree. Inputs are random, from a fixed seed;
// dynamic dimensions are 1, or as in $AUTOGO_ORT_SHAPES ("name:1x3x64x64,other:1x5").
// With $AUTOGO_ORT_INPUTS they come from A.onnx.in where that is there: a record as A.onnx.io, for
// both models of a pair. With $AUTOGO_ORT_RECORD `compare` also writes the record of the first.
// Optimisations are off unless $AUTOGO_ORT_OPTIMIZE is set: bits should not depend on fusions.

import {createRequire} from 'node:module';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folders = [process.env.AUTOGO_ORT,
                 process.env.AUTOGO_ORT_DIR && join(process.env.AUTOGO_ORT_DIR, 'node_modules'),
                 resolve(here, '../../../node_modules'),
                 resolve(here, '../../node_modules')].filter(Boolean);
const folder = folders.find((f) => existsSync(join(f, 'onnxruntime-node')));
if (!folder) {
  console.log(`onnxruntime-node not found in ${folders.join(', ')}`);
  process.exit(77);
}
const ort = createRequire(join(folder, 'x.js'))('onnxruntime-node');

const shapes = new Map((process.env.AUTOGO_ORT_SHAPES ?? '').split(',').filter(Boolean).map((s) => {
  const at = s.lastIndexOf(':');
  return [s.slice(0, at), s.slice(at + 1).split('x').map(Number)];
}));

// mulberry32: small, seeded, the same everywhere.
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function halfBits(value) {
  const f = new Float32Array([value]);
  const x = new Uint32Array(f.buffer)[0];
  const sign = (x >>> 16) & 0x8000;
  const exponent = ((x >>> 23) & 0xff) - 112;
  if (exponent <= 0) return sign;
  return sign | (exponent << 10) | ((x >>> 13) & 0x3ff);
}

function makeTensor(type, dims, next) {
  const size = dims.reduce((a, b) => a * b, 1);
  const fill = (array, value) => {
    for (let i = 0; i < size; ++i) array[i] = value();
    return array;
  };
  const whole = () => Math.floor(next() * 4);
  switch (type) {
    case 'float32': return new ort.Tensor(type, fill(new Float32Array(size), () => next() * 2 - 1), dims);
    case 'float64': return new ort.Tensor(type, fill(new Float64Array(size), () => next() * 2 - 1), dims);
    case 'float16': {
      const bits = fill(new Uint16Array(size), () => halfBits(next() * 2 - 1));
      const Half = globalThis.Float16Array;
      return new ort.Tensor(type, Half ? new Half(bits.buffer) : bits, dims);
    }
    case 'int64': return new ort.Tensor(type, fill(new BigInt64Array(size), () => BigInt(whole())), dims);
    case 'uint64': return new ort.Tensor(type, fill(new BigUint64Array(size), () => BigInt(whole())), dims);
    case 'int32': return new ort.Tensor(type, fill(new Int32Array(size), whole), dims);
    case 'uint32': return new ort.Tensor(type, fill(new Uint32Array(size), whole), dims);
    case 'int8': return new ort.Tensor(type, fill(new Int8Array(size), whole), dims);
    case 'uint8': return new ort.Tensor(type, fill(new Uint8Array(size), whole), dims);
    case 'bool': return new ort.Tensor(type, fill(new Uint8Array(size), () => (next() < 0.5 ? 0 : 1)), dims);
    default: throw new Error(`inputs of type ${type} are not made here`);
  }
}

const kArrays = {float32: Float32Array, float64: Float64Array, int64: BigInt64Array,
                 uint64: BigUint64Array, int32: Int32Array, uint32: Uint32Array, int16: Int16Array,
                 uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
                 float16: globalThis.Float16Array ?? Uint16Array};

// The inputs of a record.
function readInputs(path) {
  const file = readFileSync(path);
  let at = file.indexOf('\n') + 1;
  const feeds = {};
  for (const {name, type, dims, bytes} of JSON.parse(file.subarray(0, at)).inputs) {
    const part = file.subarray(at, at + bytes);
    at += bytes;
    if (type !== 'string' && !kArrays[type]) throw new Error(`inputs of type ${type} are not read here`);
    const data = type === 'string' ? JSON.parse(part) : new kArrays[type](Uint8Array.from(part).buffer);
    feeds[name] = new ort.Tensor(type, data, dims);
  }
  return feeds;
}

async function execute(path, feeds = {}) {
  const session = await ort.InferenceSession.create(path, {
    graphOptimizationLevel: process.env.AUTOGO_ORT_OPTIMIZE ? 'all' : 'disabled',
    intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  });
  for (const input of session.inputMetadata) {
    if (feeds[input.name]) continue;
    const dims = shapes.get(input.name) ?? input.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : 1));
    let seed = 1;
    for (const c of input.name) seed = (Math.imul(seed, 31) + c.charCodeAt(0)) | 0;
    feeds[input.name] = makeTensor(input.type, dims, random(seed));
  }
  const results = await session.run(feeds);
  const outputs = new Map();
  for (const name of session.outputNames) outputs.set(name, results[name]);
  await session.release();
  return outputs;
}

function bytesOf(tensor) {
  if (Array.isArray(tensor.data)) return Buffer.from(JSON.stringify(tensor.data));
  return Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

function record(path, feeds, outputs) {
  const tensors = [], head = {};
  const describe = ([name, tensor]) => {
    const bytes = bytesOf(tensor);
    tensors.push(bytes);
    return {name, type: tensor.type, dims: [...tensor.dims], bytes: bytes.length};
  };
  head.inputs = Object.entries(feeds).map(describe);
  head.outputs = [...outputs].map(describe);
  writeFileSync(`${path}.io`, Buffer.concat([Buffer.from(JSON.stringify(head) + '\n'), ...tensors]));
}

// What the numbers look like: a comparison of constant or NaN outputs proves little.
function summary(outputs) {
  let distinct = new Set(), bad = 0;
  for (const tensor of outputs.values()) {
    for (const v of Array.from(tensor.data).slice(0, 4096)) {
      distinct.add(v);
      if (typeof v === 'number' && !Number.isFinite(v)) ++bad;
    }
  }
  return `distinct=${distinct.size} nonfinite=${bad}`;
}

function difference(a, b) {
  if ([...a.keys()].join() !== [...b.keys()].join()) return `outputs ${[...a.keys()]} and ${[...b.keys()]}`;
  for (const [name, x] of a) {
    const y = b.get(name);
    if (x.type !== y.type) return `output ${name}: ${x.type} and ${y.type}`;
    if (x.dims.join() !== y.dims.join()) return `output ${name}: shapes ${x.dims} and ${y.dims}`;
    if (!bytesOf(x).equals(bytesOf(y))) return `output ${name}: the values differ`;
  }
  return '';
}

const oneLine = (e) => String(e?.message ?? e).replaceAll('\n', ' ');
const [mode, ...rest] = process.argv.slice(2);
const paths = rest[0] === '-' ? readFileSync(0, 'utf8').split('\n').filter(Boolean) : rest;
if (!['run', 'compare', 'record'].includes(mode) || paths.length === 0) {
  console.error('usage: ort_check.mjs run|compare|record FILE...');
  process.exit(2);
}
let failed = 0;
for (let i = 0; i < paths.length; i += mode === 'compare' ? 2 : 1) {
  const path = paths[i];
  try {
    const given = process.env.AUTOGO_ORT_INPUTS && existsSync(`${path}.in`);
    const feeds = given ? readInputs(`${path}.in`) : {};
    const outputs = await execute(path, feeds).catch((e) => {
      throw mode === 'compare' ? new Error(`the original does not run: ${oneLine(e)}`) : e;
    });
    if (mode === 'record' || process.env.AUTOGO_ORT_RECORD) record(path, feeds, outputs);
    if (mode === 'compare') {
      const wrong = difference(outputs, await execute(paths[i + 1], {...feeds}));
      const random = wrong && difference(outputs, await execute(path, {...feeds}));
      if (wrong && !random) throw new Error(wrong);
    }
    console.log(`ok ${path} ${summary(outputs)}`);
  } catch (e) {
    ++failed;
    console.log(`FAIL ${path} ${oneLine(e)}`);
  }
}
process.exit(failed ? 1 : 0);
