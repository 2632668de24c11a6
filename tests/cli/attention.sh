#!/bin/bash
# Attention from the command line: transformers mined, searched with what was mined, and attention
# put into a network of convolutions. The networks are those of tests/onnx/attention_models.py.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
need_node
data="$AUTOGO_SOURCE_DIR/data"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$predictor" ] || skip "no sample data"
mkdir all models
run /usr/bin/python3 "$AUTOGO_SOURCE_DIR/tests/onnx/attention_models.py" all
[ "$code" != 77 ] && [ "$code" != 127 ] || skip "no Debian python3-torch"
expect_code 0
cp all/vit.onnx all/swin.onnx all/timm.onnx models/

# Segments with whole attentions, among them some with more than the attention; no softmax alone.
run "$AUTOGO" mine models --vocab-size 60 --stats -o mined.json
expect_code 0
expect_out_has "attention"
[[ "$out" != *softmax* ]] || problem "expected no softmax outside of an attention"
node -e '
  const { entries } = JSON.parse(require("fs").readFileSync("mined.json"));
  const ops = entries.map((e) => e[3].map((n) => n[0]).filter((o) => !/put$/.test(o)));
  const whole = ops.filter((o) => o.includes("attention"));
  process.exit(whole.some((o) => o.length > 2) ? 0 : 1);' ||
  problem "expected segments of an attention and its neighbours"

check_members() { # folder
  local members answer
  mapfile -t members < <(find "$1/models" -name '*.onnx' | sort)
  [ "${#members[@]}" -gt 0 ] || problem "expected networks"
  printf '%s\n' "${members[@]}" > list
  node "$AUTOGO_SOURCE_DIR/tests/support/ort_check.mjs" run - < list > ort.txt 2>&1
  answer=$?
  [ "$answer" = 0 ] || [ "$answer" = 77 ] || problem "expected networks that run: $(cat ort.txt)"
}

for name in vit swin timm; do
  run "$AUTOGO" search --model "all/$name.onnx" --segments mined.json --predictor "$predictor" \
    --iterations 2 --seed 1 --min-gain -5 -o "run_$name"
  expect_code 0
  check_members "run_$name"
done

# A block of convolutions gives way to an attention, where the user allows it.
run "$AUTOGO" mutate --model "$data/models/resnet20_cifar.onnx" --segments mined.json \
  --predictor "$predictor" --allow-ops attention --deny-ops conv batch_norm relu --count 3 --seed 1 \
  --max-flops-increase 1000 --max-flops-decrease 100 -o mutants
expect_code 0
check_members mutants
for member in mutants/models/*.onnx; do
  run "$AUTOGO" profile "$member"
  expect_out_has " attention "
done
finish
