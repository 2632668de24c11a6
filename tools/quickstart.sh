#!/bin/bash
# tools/quickstart.sh: on Debian 12 installs what is missing, builds autogo and searches for
# networks that need fewer multiply-adds than a bundled one. Prints where the results are.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

model="$source_dir/data/models/resnet50.onnx"
run="${1:-$source_dir/run-quickstart}"

install_packages build
cmake_options=(-DAUTOGO_BUILD_TESTS=OFF)
build release autogo_cli autogo_spm autogo_torch
autogo="$source_dir/build/release/bin/autogo"

say "searching, starting from ${model#"$source_dir"/}"
rm -rf "$run.old"
if [ -e "$run" ]; then mv "$run" "$run.old"; fi
"$autogo" search --model "$model" --objective flops --iterations 5 --seed 1 -o "$run"
say "done: the networks are in $run/models, the table of them is $run/pareto.csv"
