#!/bin/bash
# tools/bench.sh [OPTIONS OF autogo_bench]: builds and measures. Prints the tables of
# docs/results/speed.md: what it takes here beside the goals and the paper's figures.
# Leave the machine alone while it runs; it takes some three minutes.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

tables="${AUTOGO_TABLES:-$source_dir/../shared/data}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

install_packages build test
cmake_options=(-DAUTOGO_BUILD_BENCHMARKS=ON)
build release autogo_cli autogo_spm autogo_torch autogo_bench autogo_train_bench

options=(--autogo "$source_dir/build/release/bin/autogo" --scratch "$scratch"
  --model "$source_dir/data/models/resnet50.onnx" --segments "$source_dir/data/segments.json")
if [ -e "$source_dir/data/predictor.pt" ]; then
  options+=(--predictor "$source_dir/data/predictor.pt")
fi
if [ -e "$tables/nasbench201.csv.gz" ]; then options+=(--tables "$tables"); fi

read -r load _ < /proc/loadavg
if [ "${load%.*}" -ge 1 ]; then
  say "the machine is busy (load $load): wall-clock times will be too long"
fi
say "measuring on $(nproc) cores: $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)"
"$source_dir/build/release/bin/autogo_bench" "${options[@]}" "$@"
OPENBLAS_NUM_THREADS=1 "$source_dir/build/release/bin/autogo_train_bench"
