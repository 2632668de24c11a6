#!/bin/bash
# autogo profile: the counts as a table and as JSON, the named FLOPs, dynamic inputs, unknown costs.
. "$(dirname "$0")/lib.sh"
need_node
json() { node -e "const p = JSON.parse(require('fs').readFileSync(0)); console.log($1)" <<< "$out"; }
expect_json() { # expression, value
  local found
  found="$(json "$1")"
  [ "$found" = "$2" ] || problem "expected $1 to be $2, found $found"
}

# conv 3x3, 3 to 4 channels, without bias, then relu, on 8x8 maps.
make_onnx good good.onnx
run "$AUTOGO" profile good.onnx
expect_code 0
expect_out 'good.onnx: x 1x3x8x8

node   operation  output     MACs  FLOPs (2macs)    share  params   memory
conv1  conv 3x3   1x4x8x8  6.91 k        13.82 k  100.0 %     108  1.79 kB
relu1  relu       1x4x8x8       0              0    0.0 %       0  2.05 kB
total  2 nodes             6.91 k        13.82 k              108  2.05 kB

operator  nodes    MACs  FLOPs (2macs)    share  params
conv          1  6.91 k        13.82 k  100.0 %     108
relu          1       0              0    0.0 %       0

multiply-accumulates  6912
FLOPs (2macs)         13824
parameters            108
weights               432 B
peak activations      2.05 kB while relu1 runs'
[ -z "$err" ] || problem "expected nothing on standard error"

run "$AUTOGO" profile good.onnx --top 1
expect_out_has "conv1  conv 3x3"
[[ "$out" != *"relu1  relu"* ]] || problem "expected only the most expensive node"

run "$AUTOGO" profile good.onnx --json
expect_code 0
expect_json 'JSON.stringify(p.totals)' '{"macs":6912,"flops":13824,"params":108,"weight_bytes":432,"peak_activation_bytes":2048,"elementwise":256,"nodes":2,"unknown_nodes":0}'
expect_json 'JSON.stringify(p.nodes.map(n => [n.name, n.op, n.macs, n.known]))' '[["conv1","conv",6912,true],["relu1","relu",0,true]]'
expect_json 'JSON.stringify(p.inputs)' '[{"name":"x","shape":[1,3,8,8]}]'
expect_json 'JSON.stringify(p.nodes[0].output_shapes)' '[[1,4,8,8]]'

# The conventions: 2 x MACs, and AutoGO's, which adds 2 for each of the relu's 256 outputs.
for pair in macs:6912 2macs:13824 autogo:14336; do
  run "$AUTOGO" profile good.onnx --json --flops-as "${pair%:*}"
  expect_json 'p.totals.flops' "${pair#*:}"
  expect_json 'p.totals.macs' 6912
  expect_json 'p.flops_as' "${pair%:*}"
  expect_json 'p.nodes.reduce((sum, n) => sum + n.flops, 0)' "${pair#*:}"
done
run "$AUTOGO" profile good.onnx --flops-as gigaflops
expect_refusal 2 "--flops-as" "gigaflops" "2macs"

# Dynamic sizes need a shape; the batch counts.
make_onnx dynamic dynamic.onnx
run "$AUTOGO" profile dynamic.onnx --json --input-shape x:2x3x8x8
expect_code 0
expect_json 'p.totals.macs' 13824
run "$AUTOGO" profile dynamic.onnx --json --input-shape 1x3x16x16
expect_json 'p.totals.macs' 27648
run "$AUTOGO" profile dynamic.onnx
expect_refusal 5 "dynamic.onnx" "--input-shape"

# What cannot be known is said.
make_onnx determinant determinant.onnx
run "$AUTOGO" profile determinant.onnx
expect_code 0
expect_out_has "mystery1  Det (opaque)"
expect_out_has "note: the cost of 1 node is not known and counts 0, marked '?' above"
run "$AUTOGO" profile determinant.onnx --json
expect_json 'p.totals.unknown_nodes' 1
expect_json 'p.nodes[0].known' false
expect_json 'p.nodes[0].type' Det

# A shipped network, against torchvision's published count.
run "$AUTOGO" profile "$AUTOGO_SOURCE_DIR/data/models/resnet50.onnx" --json
expect_json 'p.totals.macs' 4089184256
expect_json 'p.totals.params' 25557032
finish
