#!/bin/bash
# tools/test.sh [--preset NAME] [CTEST OPTIONS]: on Debian 12 installs what is missing, builds and
# runs the whole test suite. The last lines are ctest's summary and, where tests were skipped, one that
# says why. The benchmarks are built too, so that they keep up with the code.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

preset=release
if [ "${1:-}" = --preset ]; then
  preset="${2:?--preset needs a name of CMakePresets.json}"
  shift 2
fi

install_packages build test node
install_onnxruntime
cmake_options=("-DAUTOGO_ORT_DIR=$ort_dir" -DAUTOGO_BUILD_TESTS=ON -DAUTOGO_BUILD_BENCHMARKS=ON)
build "$preset"
say "testing"
build_dir="$source_dir/build/$preset"
code=0
ctest --test-dir "$build_dir" --output-on-failure --no-tests=error -j "$cores" "$@" || code=$?
awk -f "$source_dir/tools/lib/skipped.awk" -v shared="$(dirname "$source_dir")/shared" \
  "$build_dir/Testing/Temporary/LastTest.log"
exit "$code"
