#!/bin/bash
# Paths that cannot be looked up are an error in one line; names that are no UTF-8 are names.
. "$(dirname "$0")/lib.sh"
models="$AUTOGO_SOURCE_DIR/data/models"
long="$(printf 'n%.0s' {1..300})"
run "$AUTOGO" mine "$long" -o db.json
expect_refusal 1 "autogo mine: $long: cannot open: File name too long"
run "$AUTOGO" corpus onnx "$long" -o corpus.jsonl
expect_refusal 1 "autogo corpus: $long: cannot open: File name too long"
run "$AUTOGO" search --model "$models/fsrcnn3_x2.onnx" -o "$long"
expect_refusal 1 "autogo search: $long: cannot open: File name too long"
run "$AUTOGO" search --resume "$long"
expect_refusal 1 "autogo search: $long/config.json: cannot open: File name too long"
run "$AUTOGO" train predictor --refine "$long" -o p.pt
expect_refusal 1 "autogo train: $long/training.json: cannot open: File name too long"
expect_files ""

odd="$(printf 'odd\xff')"
mkdir "$odd"
cp "$models/fsrcnn3_x2.onnx" "$odd/$odd.onnx"
run "$AUTOGO" profile "$odd/$odd.onnx" --json
expect_code 0
run "$AUTOGO" -q corpus onnx "$odd" -o "$odd.jsonl" --json
expect_code 0
run "$AUTOGO" -q mine "$odd.jsonl" "$odd" -o "$odd.json" --json
expect_code 0
run "$AUTOGO" segment "$odd/$odd.onnx" --segments "$odd.json" --json
expect_code 0
run "$AUTOGO" export "$odd/$odd.onnx" --to onnx -o "$odd.onnx" --json
expect_code 0
finish
