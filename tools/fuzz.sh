#!/bin/bash
# tools/fuzz.sh [SECONDS] [OPTIONS OF autogo_fuzz]: builds the fuzzer with AddressSanitizer and
# UndefinedBehaviorSanitizer and runs it on all cores for SECONDS, 600 unless given. Files of every
# kind that autogo reads are edited and read; each must be served or refused within a second of
# processor time and 1 GB. Findings go to build/asan/findings with the command that shows each
# again; the last line counts. --seed N tries others.
set -euo pipefail
# shellcheck source=tools/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

seconds="${1:-600}"
shift $(($# > 0 ? 1 : 0))

install_packages build test
cmake_options=(-DAUTOGO_BUILD_TESTS=ON)
build asan autogo_fuzz
say "fuzzing for $seconds seconds on $cores cores"
"$source_dir/build/asan/tests/fuzz/autogo_fuzz" --seconds "$seconds" --jobs "$cores" \
  --out "$source_dir/build/asan/findings" "$@"
