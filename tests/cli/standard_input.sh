#!/bin/bash
# "-" as a model: every command that takes one reads it from standard input, from a pipe and from a
# file, and says of it what it says of the file.
. "$(dirname "$0")/lib.sh"
data="$AUTOGO_SOURCE_DIR/data"
model="$data/models/fsrcnn4_x2.onnx"
predictor="${AUTOGO_PREDICTOR:-$data/predictor.pt}"
[ -f "$model" ] && [ -f "$data/segments.json" ] || skip "no sample data"

run "$AUTOGO" profile "$model"
expect_code 0
wanted="${out//$model/-}"
for how in pipe file; do
  if [ "$how" = pipe ]; then
    # shellcheck disable=SC2002
    cat "$model" | "$AUTOGO" profile - > .out
  else
    "$AUTOGO" profile - < "$model" > .out
  fi
  [ "$(cat .out)" = "$wanted" ] || problem "profile - of a $how differs from profile FILE"
done

cat "$model" | "$AUTOGO" -q export - --to onnx -o - > piped.onnx
"$AUTOGO" -q export "$model" --to onnx -o file.onnx
cmp piped.onnx file.onnx || problem "export - differs from export FILE"
cat "$model" | "$AUTOGO" -q export - --to pytorch -o net.py
head -n 1 net.py | grep -q "exported by autogo from standard input" || problem "expected the source"

"$AUTOGO" segment - < "$model" > piped.txt
"$AUTOGO" segment "$model" > file.txt
cmp piped.txt file.txt || problem "segment - differs from segment FILE"

run "$AUTOGO" profile -
expect_refusal 5 "autogo profile: -: the file is empty, expected an ONNX model"

[ -f "$predictor" ] || { [ "$failures" = 0 ] || finish; skip "no bundled predictor"; }
for command in search mutate; do
  few=(--seed 1)
  [ "$command" = search ] && few+=(--iterations 1 --parents 1 --sources 8 --replacements 40)
  [ "$command" = mutate ] && few+=(--count 2)
  cat "$model" | "$AUTOGO" -q "$command" --model - "${few[@]}" --predictor "$predictor" -o piped > .out
  [ "${PIPESTATUS[1]}" = 0 ] || problem "$command --model - failed"
  "$AUTOGO" -q "$command" --model "$model" "${few[@]}" --predictor "$predictor" -o file > .out
  diff -r piped/models file/models || problem "$command --model - finds other networks"
  rm -rf piped file
done
finish
