#!/bin/bash
# autogo search from the command line: the run directory, refusals, Ctrl-C, --timeout, --resume.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
data="$AUTOGO_SOURCE_DIR/data"
model="$data/models/mobilenet_v2.onnx" segments="$data/segments.json"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$model" ] && [ -f "$segments" ] || skip "no sample model or segment database"

# What is refused before anything is written. The predictor is not read until then.
search() { run "$AUTOGO" search --model "$model" --segments "$segments" --predictor none.pt "$@"; }

run "$AUTOGO" search -o out
expect_refusal 2 "--model FILE is missing"
search -o out --objective speed
expect_refusal 2 "--objective: no such measure 'speed'; expected one of macs, flops, params, weight-bytes, peak-memory"
search -o out --max-flops-decrease 5 --max-flops-increase -10
expect_refusal 2 "the FLOPs window is empty"
search -o out --dry-run --freeze 'no_such_node'
expect_refusal 2 "--freeze 'no_such_node' matches no node; close names: "
search -o out --dry-run --freeze '*' no_such_node
expect_refusal 2 "--freeze 'no_such_node' matches no node; close names: "
search -o out --dry-run --freeze no_such_node --freeze '*'
expect_refusal 2 "--freeze 'no_such_node' matches no node; close names: "
search -o out --dry-run --freeze '*'
expect_refusal 4 "--freeze leaves no node that could be replaced"
search -o out --dry-run --deny-ops convolution
expect_refusal 2 "--deny-ops 'convolution': no such operator"
run "$AUTOGO" search --resume nowhere
expect_refusal 2 "nowhere: no run directory"
run "$AUTOGO" search --resume nowhere --model "$model"
expect_refusal 2 "--model: --resume takes it from the run"
search -o out --validate top=3
expect_refusal 2 "--validate: data=DIR is missing"
search -o out --validate tops=3,data=images
expect_refusal 2 "--validate: 'tops' is not known; expected some of data, device, epochs"
search -o out --validate top=many,data=images
expect_refusal 2 "--validate: top=many: expected a whole number"
search -o out --validate top
expect_refusal 2 "--validate: 'top': expected KEY=VALUE"
search -o out --validate data=nowhere
expect_refusal 1 "nowhere: no such folder"
search --dry-run
expect_code 0
expect_out_has "would try up to 50000 children in 5 iterations"
expect_files ""

[ -f "$predictor" ] || { [ "$failures" = 0 ] || finish; skip "no bundled predictor"; }
search() {
  run "$AUTOGO" search --model "$model" --segments "$segments" --predictor "$predictor" \
    --parents 4 --sources 6 --replacements 30 --seed 3 "$@"
}

mkdir full && echo mine > full/precious
search -o full
expect_refusal 2 "full: not empty; choose another -o"
[ "$(cat full/precious)" = mine ] || problem "a file of the user is gone"

# A search that finds nothing leaves nothing that the same -o would trip over.
search -q --iterations 1 --min-gain 1000 -o whole
expect_refusal 4 "reaches the predicted gain 1000.0; the best found has "
[ ! -e whole ] || problem "expected no run directory"

search --iterations 4 --jobs 1 -o whole
expect_code 0
expect_err_has "iteration 4 of 4: "
for file in config.json journal.jsonl pareto.json pareto.csv env.json; do
  [ -s "whole/$file" ] || problem "expected whole/$file"
done
members="$(grep -c '"model": "models/' whole/pareto.json)"
[ "$members" -ge 1 ] && [ "$(find whole/models -name '*.onnx' | wc -l)" = "$members" ] ||
  problem "expected a file for every member"
for member in whole/models/*.onnx; do
  run "$AUTOGO" profile "$member" --json
  expect_code 0
  macs="$(sed 's/.*"totals":{"macs":\([0-9]*\).*/\1/' <<< "$out")"
  grep -q "\"macs\": $macs," whole/pareto.json || problem "pareto.json has other MACs than profile"
done
# Objectives and constraints of any measure; what cannot be met says what can, and leaves nothing.
search --objective params,peak-memory --constraint 'macs<=-5%' --iterations 4 --jobs 1 -o bounded
expect_code 0
expect_out_has "peak-memory"
head -1 bounded/pareto.csv | grep -q ',peak_memory,peak_memory_change_percent$' ||
  problem "pareto.csv lacks an objective"
while IFS=, read -r _ _ _ _ _ change _; do
  awk -v change="$change" 'BEGIN { exit !(change <= -5) }' || problem "a member breaks the constraint: $change"
done < <(tail -n +2 bounded/pareto.csv)
search -q --constraint 'params<=1%' --iterations 1 --jobs 1 -o never
expect_refusal 4 "no network was found that keeps --constraint 'params<=1%'; the nearest has "
[ ! -e never ] || problem "expected no run directory"
search --constraint 'params=1' -o never
expect_refusal 2 "--constraint 'params=1': expected NAME<=VALUE"

# Told of a short training, the search finds other gains, and says so in its configuration.
search --iterations 1 --jobs 1 --training-images 20000 -o short
expect_code 0
grep -q '"training_images": 20000' short/config.json || problem "expected the length in config.json"
search --iterations 1 --jobs 1 -o long
expect_code 0
! cmp -s short/pareto.csv long/pareto.csv || problem "--training-images changed nothing"
search --training-images few -o few
expect_refusal 2 "--training-images"
rm -rf short long
search -o whole
expect_refusal 2 "whole: not empty, it holds a run; continue it with --resume whole"

same() {
  for file in config.json journal.jsonl pareto.json pareto.csv; do
    cmp -s "whole/$file" "$1/$file" || problem "$1/$file differs from the uninterrupted run's"
  done
}

search --iterations 4 --jobs 2 --json -o parallel
expect_code 0
expect_out_has '"status":"done"'
same parallel

# A run that waits, on any machine: its log goes into a pipe that is full, so that it stops at its
# first line, which it writes when its first iteration is in the journal.
mkfifo pipe
exec 3<> pipe
begin_waiting() { # run directory
  filled="$(dd if=/dev/zero of=pipe bs=4096 oflag=nonblock 2>&1 | sed -n 's/ bytes.*//p')"
  "$AUTOGO" search --model "$model" --segments "$segments" --predictor "$predictor" --parents 4 \
    --sources 6 --replacements 30 --seed 3 --iterations 4 -o "$1" > .out 2> pipe 3>&- &
  process=$!
  command_line="search -o $1, waiting"
  until grep -qs '"event":"iteration"' "$1/journal.jsonl"; do
    kill -0 "$process" 2> /dev/null || { problem "expected a run that waits"; return; }
    sleep 0.05
  done
}
drain() { head -c "$filled" <&3 > /dev/null; }
end_waiting() { # its exit code, output and errors
  wait "$process" 2> /dev/null
  code=$?
  out="$(cat .out)"
  err="$(dd if=pipe iflag=nonblock bs=65536 count=16 2> /dev/null | tr -d '\0')"
}

# Ctrl-C: the unit is finished, the front so far is there, the command that goes on is printed.
begin_waiting stopped
kill -INT "$process"
run "$AUTOGO" search --resume stopped
expect_refusal 2 "stopped: another autogo process works in this run directory"
drain
end_waiting
expect_code 6
expect_err_has "interrupted after 1 of 4 iterations; continue with: autogo search --resume stopped"
[ -s stopped/pareto.json ] || problem "expected the front so far"
run "$AUTOGO" search --resume stopped
expect_code 0
same stopped

# The second signal ends it at once, whatever it does.
begin_waiting twice
kill -INT "$process"
kill -TERM "$process"
end_waiting
expect_code 6
[ ! -e twice/pareto.json ] || problem "expected no front yet"
run "$AUTOGO" search --resume twice
expect_code 0
same twice

begin_waiting killed
kill -KILL "$process"
end_waiting
expect_code 137
run "$AUTOGO" search --resume killed
expect_code 0
same killed

search --iterations 4 --timeout 0.000001 -o timed
expect_code 124
expect_err_has "time is up after 0 of 4 iterations; continue with: autogo search --resume timed"
run "$AUTOGO" search --resume timed --jobs 2
expect_code 0
same timed

# No limit is a number, too.
search --iterations 1 --min-gain=-inf -o unlimited
expect_code 0
run "$AUTOGO" search --resume unlimited --iterations 2
expect_code 0

finish
