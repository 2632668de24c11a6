#!/bin/bash
# `autogo --version` loads nothing heavy: under 20 ms, the best of 30 runs on a busy machine.
. "$(dirname "$0")/lib.sh"
best_us=1000000
for _ in $(seq 30); do
  start="${EPOCHREALTIME/./}"
  "$AUTOGO" --version > .out
  took=$((${EPOCHREALTIME/./} - start))
  [ "$took" -ge "$best_us" ] || best_us=$took
done
echo "best: $best_us us"
[ "$best_us" -lt 20000 ] || exit 1
