#!/bin/bash
# What the shipped predictor may promise of networks that no family knows: never more than was ever
# measured between neighbours of a family, nothing of networks that make images, and words to it.
. "$(dirname "$0")/lib.sh"
models="$AUTOGO_SOURCE_DIR/data/models"
largest=1.49  # NAS-Bench-101's, tests/predict/knowledge_test.cc

# search_model NAME [OPTION...]: a short search. Sets $out, $err, $code, $gains.
search_model() {
  local name=$1
  shift
  run "$AUTOGO" search --model "$models/$name.onnx" --seed 1 --iterations 3 --sources 4 \
    --replacements 40 -o "run_$name" "$@"
  expect_code 0
  gains=$(grep -o '"gain":[-0-9.e]*' "run_$name/journal.jsonl" | cut -d: -f2)
  [ -n "$gains" ] || problem "no child was accepted"
}

# at_most LIMIT: no gain of the journal, be it of a member or not, is above.
at_most() {
  local most
  most=$(sort -g <<< "$gains" | tail -n 1)
  awk -v most="$most" -v limit="$1" 'BEGIN { exit !(most <= limit) }' ||
    problem "expected gains up to $1, found $most"
}

for name in edsr_small_x2 fsrcnn3_x2; do
  search_model "$name"
  at_most 0
  [[ "$(tail -n 1 <<< "$out")" == "no family that the predictor learned from knows this network: it makes images"*"--validate"* ]] ||
    problem "expected a last line about images"
  grep -q '"note": "no family' "run_$name/pareto.json" ||
    problem "expected a note in pareto.json"
done

search_model resnet50
at_most "$largest"
[[ "$(tail -n 1 <<< "$out")" == "no family that the predictor learned from knows this network"* ]] ||
  problem "expected a last line about families"
grep -q '"note": "no family' run_resnet50/pareto.json || problem "expected a note in pareto.json"
cautious=$(grep -o '"model": "models/[^"]*' run_resnet50/pareto.json)
rm -r run_resnet50
search_model resnet50 --risk 0 --json
at_most "$largest"
[[ "$out" == *'"note":"no family'* ]] || problem "expected a note in the JSON"
[ "$cautious" = "$(grep -o '"model": "models/[^"]*' run_resnet50/pareto.json)" ] ||
  problem "expected the same front at any risk"

search_model resnet20_cifar  # of a family
[[ "$out" != *"no family"* ]] || problem "expected no note on a network that is known"
run "$AUTOGO" search --model "$models/resnet50.onnx" --risk -1 -o bad
expect_refusal 2 "--risk"
finish
