#!/bin/bash
# tools/quickstart.sh [RUN]: on Debian 12 installs what is missing, builds autogo and searches for
# networks that need fewer multiply-adds than a bundled one. Prints where the results are.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

model="$source_dir/data/models/resnet50.onnx"
run="${1:-$source_dir/run-quickstart}"
if [ $# = 0 ]; then  # keep what earlier calls found
  number=1
  while [ -e "$run" ]; do
    number=$((number + 1))
    run="$source_dir/run-quickstart-$number"
  done
fi

install_packages build
cmake_options=(-DAUTOGO_BUILD_TESTS=OFF)
build release autogo_cli autogo_spm autogo_torch
autogo="$source_dir/build/release/bin/autogo"

say "searching, starting from ${model#"$source_dir"/}"
"$autogo" search --model "$model" --objective flops --iterations 5 --seed 1 -o "$run"
say "done: the networks are in $run/models, the table of them is $run/pareto.csv"
