#!/bin/bash
# autogo mutate from the command line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
data="$AUTOGO_SOURCE_DIR/data"
model="$data/models/fsrcnn4_x2.onnx"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$model" ] && [ -f "$data/segments.json" ] && [ -f "$predictor" ] || skip "no sample data"
mutate() {
  run "$AUTOGO" mutate --model "$model" --segments "$data/segments.json" \
    --predictor "$predictor" "$@"
}

run "$AUTOGO" mutate -o out
expect_refusal 2 "--model is required"
mutate --max-mutations 0 -o out
expect_refusal 2 "--max-mutations: expected a number from 1 to 1000"
mutate --max-flops-increase -50 -o out
expect_refusal 2 "the FLOPs window is empty"

mutate --count 6 --seed 2 --max-mutations 2 -o out
expect_code 0
[ "$(find out/models -name '*.onnx' | wc -l)" = 6 ] || problem "expected 6 networks"
first="$out"
mutate --count 6 --seed 2 --max-mutations 2 --jobs 1 -o again
expect_code 0
[ "${out//again/out}" = "$first" ] || problem "the same seed, other networks"
diff -r out/models again/models || problem "the same seed, other files"
mutate --count 6 --seed 2 -o out
expect_refusal 2 "out: not empty"
# Told of a short training, the predictor says other things about the same networks.
mutate --count 6 --seed 2 --max-mutations 2 --training-images 20000 -o short
expect_code 0
[ "${out//short/out}" != "$first" ] || problem "--training-images changed no gain"
diff -r out/models short/models || problem "--training-images changed the networks"
mutate --training-images -1 -o negative
expect_refusal 2 "--training-images"
mutate --count 2 --seed 3 -o json --json
expect_code 0
expect_out_has '"format":"autogo.mutants"'
finish
