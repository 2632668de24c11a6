#!/bin/bash
# Maps joined along another axis than the channels, from the command line: mined, searched, mutated;
# and a network that is not its own find.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
need_node
data="$AUTOGO_SOURCE_DIR/data"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$data/segments.json" ] && [ -f "$predictor" ] || skip "no sample data"
mkdir models
for kind in rows roll plain; do make_onnx "$kind" "models/$kind.onnx"; done
make_onnx view view.onnx

run "$AUTOGO" mine models --vocab-size 60 -o mined.json
expect_code 0
for kind in rows roll plain; do
  run "$AUTOGO" segment "models/$kind.onnx" --segments mined.json
  expect_code 0
done

search() { # name, options
  local name="$1"
  shift
  run "$AUTOGO" search --predictor "$predictor" --iterations 2 --seed 1 "$@" -o "$name"
}
members() { find "$1/models" -name '*.onnx' | sort; }

for segments in "$data/segments.json" mined.json; do
  for kind in rows roll plain; do
    search run --model "models/$kind.onnx" --segments "$segments" --min-gain -5
    expect_code 0
    [ -n "$(members run)" ] || problem "expected networks"
    for member in $(members run); do
      run "$AUTOGO" profile "$member"
      expect_code 0
    done
    rm -r run
  done
  run "$AUTOGO" mutate --model models/rows.onnx --segments "$segments" --predictor "$predictor" \
    --count 5 --seed 1 -o mutants
  expect_code 0
  [ "$(members mutants | wc -l)" = 5 ] || problem "expected 5 networks"
  rm -r mutants
done

# A convolution mined with stride 2 fits with stride 1: that is the network itself, and no find.
search copy --model view.onnx --segments "$data/segments.json"
expect_code 4
expect_err_has "reaches the predicted gain 0.0"
finish
