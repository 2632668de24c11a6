#!/bin/bash
# autogo export --to pytorch, keras: what it writes, and what it refuses. What the files compute is tested
# in tests/codegen.
. "$(dirname "$0")/lib.sh"
"$AUTOGO" -q corpus network hiaml:z-a22-b23-j30 --random-weights -o h.onnx > /dev/null

run "$AUTOGO" export h.onnx --to pytorch -o net.py
expect_code 0
expect_out ""
expect_err_has "wrote net.py and net.safetensors: "
expect_err_has "segments of"
expect_files h.onnx net.py net.safetensors
head -n 1 net.py | grep -q "exported by autogo from h.onnx" || problem "expected the source"
command -v python3 > /dev/null && { python3 -m py_compile net.py || problem "expected valid Python"; }
rm -rf __pycache__
cp net.py first.py
cp net.safetensors first.safetensors
run "$AUTOGO" -q export h.onnx --to pytorch -o net.py
cmp -s net.py first.py && cmp -s net.safetensors first.safetensors || problem "expected the same again"
rm first.*

run "$AUTOGO" -q export h.onnx --to keras -o keras_net.py
expect_code 0
command -v python3 > /dev/null && { python3 -m py_compile keras_net.py || problem "expected valid Python"; }
rm -rf __pycache__ keras_net.*

run "$AUTOGO" export h.onnx --to pytorch -o net.txt
expect_refusal 2 "autogo export: --to pytorch writes a Python file: give -o a name that ends in .py"
run "$AUTOGO" export h.onnx --to pytorch -o nowhere/net.py
expect_refusal 1 "nowhere/net.safetensors"
# What --input-shape says is fixed in the file.
make_onnx dynamic dynamic.onnx
run "$AUTOGO" export dynamic.onnx --to onnx -o fixed.onnx --input-shape x:1x3x16x16
expect_code 0
expect_err "wrote fixed.onnx, 1 node"
run "$AUTOGO" profile fixed.onnx
expect_code 0
expect_out_has "fixed.onnx: x 1x3x16x16"
rm dynamic.onnx fixed.onnx
make_onnx quantised q.onnx
run "$AUTOGO" export q.onnx --to pytorch -o q.py
expect_refusal 5 "autogo export: q.onnx: node 'q1' (DynamicQuantizeLinear)" "the operator has no form in PyTorch"
expect_files h.onnx net.py net.safetensors q.onnx
finish
