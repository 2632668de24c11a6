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

async function execute(path, feeds = {}) {
  const session = await ort.InferenceSession.create(path, {
    graphOptimizationLevel: process.env.AUTOGO_ORT_OPTIMIZE ? 'all' : 'disabled',
    intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  });
  for (const input of session.inputMetadata) {
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
    const feeds = {};
    const outputs = await execute(path, feeds);
    if (mode === 'record') record(path, feeds, outputs);
    let wrong = '';
    if (mode === 'compare') wrong = difference(outputs, await execute(paths[i + 1]));
    if (wrong) throw new Error(wrong);
    console.log(`ok ${path} ${summary(outputs)}`);
  } catch (e) {
    ++failed;
    console.log(`FAIL ${path} ${oneLine(e)}`);
  }
}
process.exit(failed ? 1 : 0);
