#!/bin/bash
# autogo train predictor: a small corpus to a predictor, stopped, measured, damaged.
. "$(dirname "$0")/lib.sh"

{
  echo '{"format":"autogo.corpus","version":1,"family":"nasbench201","label":"toy","source":"t"}'
  for a in 3 1 a s; do for b in 3 1 a s; do for c in 3 1 s; do
    case $a$b in *3*) label=3 ;; *1*) label=2 ;; *) label=1 ;; esac
    echo "{\"id\":\"nb201:$a$b${c}33s\",\"label\":$label}"
  done; done; done
} > c.jsonl
train=("$AUTOGO" train predictor c.jsonl --seed 2 --epochs 8 --test-share 0.3)

run "${train[@]}" -o p.pt
if [ "$code" = 5 ] && [[ "$err" == *LibTorch* ]]; then skip "built without LibTorch"; fi
expect_code 0
expect_out ""
expect_files c.jsonl p.pt

# Stopped by a signal: nothing but the checkpoint, which another training refuses.
"$AUTOGO" train predictor c.jsonl --seed 2 --epochs 9000 --test-share 0.3 -o q.pt 2> stop.err &
pid=$!
for _ in $(seq 300); do
  grep -q networks stop.err && break
  sleep 0.1
done
sleep 1
kill -INT "$pid"
wait "$pid"
code=$?
err="$(cat stop.err)"
expect_code 6
expect_err_has "repeat the command with --resume to continue"
expect_files c.jsonl p.pt q.pt.checkpoint stop.err
run "${train[@]}" --resume -o q.pt
expect_code 2
expect_err_has "q.pt.checkpoint: is of a training with other corpora or options"
rm -f q.pt.checkpoint stop.err

# The same from one thread: the same tensors (the header has the time).
run "${train[@]}" --jobs 1 -o q.pt
expect_code 0
cmp -s <(tail -n +2 p.pt) <(tail -n +2 q.pt) || problem "expected the same weights from one thread"

run "$AUTOGO" train predictor --evaluate p.pt c.jsonl --json
expect_code 0
for key in corpus graphs folds spearman spearman_std kendall; do expect_out_has "\"$key\":"; done
held="$out"
run "$AUTOGO" train predictor --evaluate p.pt c.jsonl --json --all
expect_out_has '"graphs":48'
[ "$out" != "$held" ] || problem "expected fewer networks without --all"

# Refined by trained networks: here more 3x3 convolutions are worse.
{
  printf '{"format":"autogo.training","version":1,"networks":['
  comma=""
  for cell in 333333:0.1 33333s:0.2 3333ss:0.3 333sss:0.4 33ssss:0.5 3sssss:0.6; do
    "$AUTOGO" -q corpus network "nb201:${cell%:*}" -o "${cell%:*}.onnx" > /dev/null 2>&1
    printf '%s{"model":"%s","summary":[{"split":"test","metric":"top1","mean":%s}]}' "$comma" \
      "${cell%:*}.onnx" "${cell#*:}"
    comma=,
  done
  printf ']}'
} > training.json
run "$AUTOGO" train predictor --refine . --predictor p.pt -o r.pt
expect_code 0
expect_out_has "6 trained networks: Spearman with the truth -"
run "$AUTOGO" train predictor --refine . --predictor r.pt -o s.pt --json
expect_code 0
expect_out_has '"spearman_after":'
cmp -s <(tail -n +2 r.pt) <(tail -n +2 s.pt) || problem "expected that a refinement is replaced"
run "$AUTOGO" train predictor --evaluate r.pt c.jsonl --json
expect_code 0
grep -aq '"training_length":1.0' r.pt || problem "expected the length of full trainings"
sed 's/"networks"/"recipe":{"epochs":2,"repeat":1},"networks"/; s/"summary"/"runs":[{"training_images":80000}],"summary"/g' \
  training.json > told && mv told training.json
run "$AUTOGO" train predictor --refine . --predictor p.pt -o r.pt
expect_code 0
grep -aq '"training_length":0.0' r.pt || problem "expected the length of the trainings"
run "$AUTOGO" train predictor --refine nowhere --predictor p.pt -o r.pt
expect_refusal 5 "nowhere: has neither validation.json (autogo search --validate) nor training.json"
run "$AUTOGO" train predictor c.jsonl --refine . -o r.pt
expect_refusal 2 "--refine takes runs, no corpora; leave out 'c.jsonl'"
sed -i 's/,{"model":"333sss.*/]}/' training.json
run "$AUTOGO" train predictor --refine . --predictor p.pt -o r.pt
expect_refusal 5 "--refine: 3 trained networks are too few, at least 5 are needed"
rm -f ./*.onnx training.json r.pt s.pt

# What is wrong is said in a line.
head -c -10 p.pt > cut.pt
run "$AUTOGO" train predictor --evaluate cut.pt c.jsonl
expect_refusal 5 "cut.pt: tensor 'weights': needs "
sed '1s/"version":5/"version":1/' p.pt > old.pt
run "$AUTOGO" train predictor --evaluate old.pt c.jsonl
expect_refusal 5 'old.pt: version 1 of "autogo.predictor", this autogo reads version 5'
run "$AUTOGO" train predictor c.jsonl --kind mlp -o p.pt
expect_refusal 2 "--kind"
run "$AUTOGO" train predictor c.jsonl
expect_refusal 2 "--output"
run "$AUTOGO" train predictor missing.jsonl -o p.pt
expect_refusal 1 "missing.jsonl"
run env AUTOGO_MODULE_DIR="$work" "$AUTOGO" train predictor c.jsonl -o p.pt
expect_refusal 5 "autogo_torch.so: cannot be loaded" "LibTorch"

finish
