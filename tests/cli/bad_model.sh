#!/bin/bash
# Models that cannot be read: one line that names the file and the node, what was expected and what
# to do; exit code 5; no output file.
. "$(dirname "$0")/lib.sh"
need_node

# refuse FILE TEXT...: every command that reads a model says the same.
refuse() {
  local file="$1"
  shift
  run "$AUTOGO" profile "$file"
  expect_refusal 5 "autogo profile: $file: " "$@"
  run "$AUTOGO" export "$file" --to onnx -o out.onnx
  expect_refusal 5 "autogo export: $file: " "$@"
  [ ! -e out.onnx ] || problem "expected no output file"
}

make_onnx good good.onnx
run "$AUTOGO" profile good.onnx --json
expect_code 0
expect_out_has '"macs":6912'

head -c 200 good.onnx > truncated.onnx
refuse truncated.onnx "it is truncated, damaged or of another format (200 bytes)"
for cut in 1 37 300 450 $(($(stat -c %s good.onnx) - 1)); do
  head -c "$cut" good.onnx > truncated.onnx
  run "$AUTOGO" profile truncated.onnx
  expect_refusal 5 "autogo profile: truncated.onnx: "
done
: > empty.onnx
refuse empty.onnx "the file is empty, expected an ONNX model"
echo "not a model" > text.onnx
refuse text.onnx "is text that begins with 'not a model', not an ONNX model"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345678\n' > pointer.onnx
refuse pointer.onnx "is a Git LFS pointer, not an ONNX model; fetch the file itself with 'git lfs pull'"

make_onnx bad_pads pads.onnx
refuse pads.onnx "node 'conv1' (Conv): pads has 3 entries, expected 4"
make_onnx cyclic cyclic.onnx
refuse cyclic.onnx "node 'add1' (Add): depends on its own output: the graph has a cycle"
make_onnx dangling dangling.onnx
refuse dangling.onnx "node 'relu1' (Relu): its input 'nothing' is not defined"
make_onnx new_opset opset.onnx
refuse opset.onnx "opset 99 is too new, opsets 1 to 26 can be read"
make_onnx long_bias bias.onnx
refuse bias.onnx "node 'conv1' (Conv): bias has 7 entries, expected 4"

make_onnx no_shape shapeless.onnx
refuse shapeless.onnx "input 'x' has no shape" "--input-shape x:1x3x224x224"
make_onnx dynamic dynamic.onnx
refuse dynamic.onnx "input 'x' has the dynamic shape batchx3xheightxwidth" "--input-shape"
run "$AUTOGO" profile dynamic.onnx --input-shape x:1x3x8x8 --json
expect_code 0
expect_out_has '"macs":6912'
run "$AUTOGO" profile dynamic.onnx --input-shape y:1x3x8x8
expect_code 2
expect_err_has "y"
run "$AUTOGO" profile dynamic.onnx --input-shape x:1x3
[ "$code" = 2 ] || [ "$code" = 5 ] || problem "expected exit code 2 or 5"
expect_err_has "x"

make_onnx no_data external.onnx
refuse external.onnx "initializer 'w': the external data file 'weights.bin' is missing"
head -c 10 /dev/zero > weights.bin
refuse external.onnx "initializer 'w'" "weights.bin"
cp pointer.onnx weights.bin
refuse external.onnx "initializer 'w': the external data file 'weights.bin' is a Git LFS pointer"
head -c 432 /dev/zero > weights.bin
run "$AUTOGO" profile external.onnx --json
expect_code 0
expect_out_has '"macs":6912'
mkdir inside
head -c 432 /dev/zero > weights.bin
make_onnx outside_data inside/outside.onnx
refuse inside/outside.onnx "initializer 'w': its external data '../weights.bin' lies outside the model's folder"

run "$AUTOGO" profile missing.onnx
expect_refusal 1 "autogo profile: missing.onnx: cannot open: No such file or directory"
run "$AUTOGO" profile inside
expect_refusal 1 "autogo profile: inside: is a folder, expected a file"
run "$AUTOGO" export good.onnx --to jpeg -o out
expect_refusal 2 "jpeg" "onnx"
[ ! -e out ] || problem "expected no output file"
finish
