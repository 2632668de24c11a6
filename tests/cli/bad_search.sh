#!/bin/bash
# A search whose inputs are damaged or of another version, and a search on a full disk: one line, the
# exit code, no run directory that was not there; what was journalled before the disk filled up stays
# and the run goes on from it.
. "$(dirname "$0")/lib.sh"
data="$AUTOGO_SOURCE_DIR/data"
model="$data/models/mobilenet_v2.onnx" segments="$data/segments.json"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$predictor" ] || skip "no bundled predictor"

search=("$AUTOGO" search --model "$model" --seed 5 --parents 3 --sources 4 --replacements 30
  --iterations 3)

refuse() { # database, predictor, text
  run "${search[@]}" --segments "$1" --predictor "$2" -o out
  expect_refusal 5 "autogo search: ${3/#bad/$work/bad}"
  [ ! -e out ] || problem "expected no run directory"
}
LC_ALL=C sed '1s/"version":5/"version":99/' "$predictor" > bad.pt
refuse "$segments" bad.pt 'bad.pt: version 99 of "autogo.predictor", this autogo reads version 5; update autogo'
LC_ALL=C sed '1s/"version":5/"version":4/' "$predictor" > bad.pt
refuse "$segments" bad.pt 'bad.pt: version 4 of "autogo.predictor", this autogo reads version 5; train it again'
LC_ALL=C sed '1s/autogo.predictor/autogo.something/' "$predictor" > bad.pt
refuse "$segments" bad.pt 'bad.pt: expected a file of format "autogo.predictor", found "autogo.something"'
head -c 5000 "$predictor" > bad.pt
refuse "$segments" bad.pt "bad.pt: "
head -c -100 "$predictor" > bad.pt
refuse "$segments" bad.pt "bad.pt: "
refuse "$segments" "$segments" "$segments: "
sed '1s/"version": 1/"version": 99/' "$segments" > bad.json
refuse bad.json "$predictor" 'bad.json: version 99 of "autogo.segments"'
head -c 20000 "$segments" > bad.json
refuse bad.json "$predictor" "bad.json: not valid JSON"
rm bad.pt bad.json

run "${search[@]}" --segments missing.json --predictor "$predictor" -o out
expect_refusal 1 "missing.json: cannot open: No such file or directory"
run "${search[@]}" --segments "$segments" --predictor missing.pt -o out
expect_refusal 1 "missing.pt: cannot open: No such file or directory"
run "${search[@]}" --segments "$segments" --predictor "$predictor" -o /proc/run
expect_refusal 1 "/proc/run: cannot create the folder"
expect_files ""

# A full disk: files may not grow beyond so many kilobytes.
run "${search[@]}" --segments "$segments" --predictor "$predictor" -o whole
expect_code 0
size="$(($(stat -c %s whole/journal.jsonl) / 1024))"
[ "$size" -ge 4 ] || problem "expected a journal of some kilobytes, got $size"
for limit in 1 $((size / 2)); do
  rm -rf out
  (
    trap '' XFSZ
    ulimit -f "$limit"
    exec "${search[@]}" --segments "$segments" --predictor "$predictor" -o out
  ) 2>&1 > /dev/null < /dev/null | cat > .err
  code="${PIPESTATUS[0]}" out="" err="$(tail -n 1 .err)" command_line="search with files of $limit kB"
  expect_code 1
  expect_err_has "autogo search: "
  expect_err_has "File too large"
  [ -z "$(find out -name '.autogo-*' 2> /dev/null)" ] || problem "expected no temporary files"
  if [ -e out/config.json ]; then
    run "$AUTOGO" search --resume out
    expect_code 0
    cmp -s whole/journal.jsonl out/journal.jsonl || problem "the journal differs"
    cmp -s whole/pareto.json out/pareto.json || problem "the front differs"
  fi
done
finish
