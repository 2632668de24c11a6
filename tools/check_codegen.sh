#!/bin/bash
# check_codegen.sh BUILD [MODEL...]: exported Python files against ONNX Runtime, whole networks.
#
# FRAMEWORK  pytorch (the default) or keras: then with Keras where it is installed, else with the
#            stub of it in tests/codegen/keras_stub
# BUILD  the build folder; its tests must be built (randomize, autogo)
# MODEL  ONNX files; without any, every sample model beside and inside the source tree, and ten
#        networks that `autogo search` finds from three of them
#
# Each model gets random weights, runs in ONNX Runtime (AUTOGO_ORT_DIR, see tests/support), is
# exported and runs in Debian's python3-torch with a batch of 1 and of 2. Prints a line each with
# the largest difference over the largest magnitude; exit code 1 when one is above 1e-4. About ten
# minutes and 2 GB of disk on two cores.
set -euo pipefail

build=${1:?build folder}
shift
build=$(realpath "$build")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
autogo=$build/bin/autogo
framework=${FRAMEWORK:-pytorch}
script=compare.py
[ "$framework" = pytorch ] || script=compare_keras.py

find_networks() {  # MODEL COUNT: the first members of a short search
  local name
  name=$(basename "$1" .onnx)
  "$autogo" -q search --model "$1" --iterations 3 --seed 1 -o "$work/run_$name" > /dev/null 2>&1
  find "$work/run_$name/models" -name '*.onnx' | sort | head -n "$2"
}

if [ $# = 0 ]; then
  shopt -s nullglob
  shared=$root/../shared/models
  set -- "$root"/data/models/*.onnx "$shared"/*.onnx "$shared"/light/*.onnx
  for model in "$root/data/models/mobilenet_v2.onnx" "$root/data/models/resnet50.onnx"; do
    mapfile -t found < <(find_networks "$model" 4)
    set -- "$@" "${found[@]}"
  done
  mapfile -t found < <(find_networks "$root/data/models/fsrcnn4_x2.onnx" 2)
  set -- "$@" "${found[@]}"
fi

failed=0
for model in "$@"; do
  rm -f "$work"/net.*
  result=FAIL
  if "$build/tests/codegen/randomize" "$model" 1 "$work/net.onnx" 2> "$work/net.err" &&
    node "$root/tests/support/ort_check.mjs" record "$work/net.onnx" > "$work/net.err" 2>&1 &&
    "$autogo" -q export "$work/net.onnx" --to "$framework" -o "$work/net.py" 2> "$work/net.err" &&
    printf '%s\n' "$work/net.py $work/net.onnx.io 1" "$work/net.py $work/net.onnx.io 2" |
    /usr/bin/python3 "$root/tests/codegen/$script" > "$work/net.err" 2>&1; then
    result=ok
  else
    failed=1
  fi
  echo "$result $(basename "$(dirname "$model")")/$(basename "$model")" \
    "$(sed "s#^[a-zA-Z]* $work/net.py ##" "$work/net.err" | tr '\n' ' ')"
done
exit $failed
