#!/bin/bash
# check_children.sh [-n COUNT] [-s SEED] [-b BATCH] [MODEL...]
#
# COUNT random mutations (default 10000), spread over the models (default: the sample networks
# beside this checkout), each judged by the ONNX checker with strict shape inference and run in ONNX
# Runtime. Works in batches that are deleted, so that the disk stays small. Needs a built
# make_children ($AUTOGO_BINARY_DIR, default build) and onnxruntime-node (tests/support/ort_check.mjs).
# Exit 0: none refused. 1: some were, their files are kept. 77: something needed is missing.
set -euo pipefail

count=10000 seed=1 batch=25
while getopts n:s:b: option; do
  case "$option" in
    n) count="$OPTARG" ;;
    s) seed="$OPTARG" ;;
    b) batch="$OPTARG" ;;
    *) echo "usage: check_children.sh [-n COUNT] [-s SEED] [-b BATCH] [MODEL...]" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))

root="$(cd "$(dirname "$0")/.." && pwd)"
make_children="${AUTOGO_BINARY_DIR:-$root/build}/tests/search/make_children"
segments="${AUTOGO_SEGMENTS:-$root/data/segments.json}"
skip() { echo "skipped: $1" >&2; exit 77; }
[ -x "$make_children" ] || skip "$make_children is not built"
[ -f "$segments" ] || skip "$segments is missing"
if [ $# -eq 0 ]; then
  models="$root/../shared/models"
  [ -d "$models" ] || skip "no models given, and $models is missing"
  set -- "$models"/*.onnx "$models"/light/*.onnx
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
kept="$PWD/refused_children"
done_so_far=0 refused=0 runs=0 model_number=0
for model in "$@"; do
  model_number=$((model_number + 1))
  share=$(((count * model_number) / $# - (count * (model_number - 1)) / $#))
  part=0
  while [ "$share" -gt 0 ]; do
    size=$((share < batch ? share : batch))
    share=$((share - size))
    part=$((part + 1))
    rm -rf "${work:?}"/* 
    list="$work/list" verdict="$work/verdict"
    code=0
    "$make_children" "$model" "$segments" "$size" $((seed * 1000000 + part)) "$work" \
      > "$list" 2> "$work/log" || code=$?
    made="$(grep -c '\.onnx' "$list" || true)"
    if [ "$made" -lt "$size" ]; then cat "$work/log" >&2; exit 1; fi
    code=0
    grep -v '^FAIL' "$list" | grep '\.onnx$' \
      | node "$root/tests/support/ort_check.mjs" run - > "$verdict" || code=$?
    [ "$code" -ne 77 ] || skip "$(cat "$verdict")"
    ok="$(grep -c '^ok' "$verdict" || true)"
    runs=$((runs + ok))
    done_so_far=$((done_so_far + size))
    if [ "$ok" -ne "$size" ]; then
      refused=$((refused + size - ok))
      mkdir -p "$kept"
      grep -h -A20 '^FAIL' "$list" "$verdict" | tee -a "$kept/reasons.txt" || true
      for file in $(grep -h '^FAIL' "$list" "$verdict" | cut -d' ' -f2); do
        cp "$file" "$kept/$(basename "$model" .onnx)-$seed-$part-$(basename "$file")"
      done
    fi
  done
  echo "$(basename "$model"): $done_so_far of $count so far, $runs run, $refused refused" >&2
done
echo "check_children: $done_so_far children, $runs run in ONNX Runtime, $refused refused"
[ "$refused" -eq 0 ] && [ "$runs" -eq "$count" ]
