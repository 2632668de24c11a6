#!/bin/bash
# A full disk: one line, exit code 1, nothing half-written and nothing older lost. The limit on the
# size of a file makes writing fail as a full disk does, and needs no disk.
. "$(dirname "$0")/lib.sh"
need_node
make_onnx good good.onnx
echo 'index,arch,accuracy' > table.csv
for i in $(seq 200); do
  echo "$i,|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|,$i" >> table.csv
done

# limited KILOBYTES COMMAND...
limited() {
  local size="$1"
  shift
  (
    trap '' XFSZ
    ulimit -f "$size"
    exec "$@"
  ) 2>&1 > /dev/null < /dev/null | cat > "$work/.err"
  code="${PIPESTATUS[0]}"
  out="" err="$(cat "$work/.err")" command_line="$*"
}

echo "older" > corpus.jsonl
limited 1 "$AUTOGO" corpus nasbench201 --table table.csv --label accuracy -o corpus.jsonl
expect_refusal 1 "autogo corpus: corpus.jsonl: cannot write: File too large"
[ "$(cat corpus.jsonl)" = older ] || problem "expected the older file to stay"
run "$AUTOGO" corpus nasbench201 --table table.csv --label accuracy -o /dev/full
expect_refusal 1 "autogo corpus: /dev/full: cannot write: No space left on device"
run "$AUTOGO" -q corpus nasbench201 --table table.csv --label accuracy -o corpus.jsonl
expect_code 0

echo "older" > db.json
limited 1 "$AUTOGO" -q mine corpus.jsonl -o db.json
expect_refusal 1 "autogo mine: db.json: cannot write: File too large"
[ "$(cat db.json)" = older ] || problem "expected the older file to stay"

echo "older" > out.onnx
limited 0 "$AUTOGO" export good.onnx --to onnx -o out.onnx
expect_code 1
expect_err_has "out.onnx: cannot write: File too large"
[ "$(cat out.onnx)" = older ] || problem "expected the older file to stay"
expect_files corpus.jsonl db.json good.onnx out.onnx table.csv
finish
