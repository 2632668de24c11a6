# Helpers of the command-line tests; sourced. Every test makes its own files in $work.
# shellcheck shell=bash disable=SC2034
set -u
: "${AUTOGO:?the program under test}" "${AUTOGO_SOURCE_DIR:?}" "${AUTOGO_BINARY_DIR:?}"
tests="$AUTOGO_SOURCE_DIR/tests/cli"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset AUTOGO_JOBS AUTOGO_SEED AUTOGO_LOG AUTOGO_DATA NO_COLOR
failures=0

# run COMMAND...: leaves its exit code in $code, its output in $out and $err.
run() {
  command_line="$*"
  "$@" > "$work/.out" 2> "$work/.err" < /dev/null
  code=$?
  out="$(cat "$work/.out")"
  err="$(cat "$work/.err")"
}

problem() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n  command: %s\n  exit code: %s\n  stdout: %.2000s\n  stderr: %.2000s\n' \
    "$1" "${command_line//$AUTOGO/autogo}" "$code" "$out" "$err"
}

expect_code() { [ "$code" = "$1" ] || problem "expected exit code $1"; }
expect_out() { [ "$out" = "$1" ] || problem "expected on standard output: $1"; }
expect_err() { [ "$err" = "$1" ] || problem "expected on standard error: $1"; }
expect_out_has() { [[ "$out" == *"$1"* ]] || problem "expected in standard output: $1"; }
expect_err_has() { [[ "$err" == *"$1"* ]] || problem "expected in standard error: $1"; }

# expect_refusal CODE TEXT...: nothing on standard output, one line on standard error that starts
# with "autogo " and holds every TEXT.
expect_refusal() {
  expect_code "$1"
  shift
  [ -z "$out" ] || problem "expected nothing on standard output"
  [ "$(wc -l < "$work/.err")" = 1 ] || problem "expected one line on standard error"
  [[ "$err" == "autogo"* ]] || problem "expected the line to start with 'autogo'"
  local text
  for text in "$@"; do expect_err_has "$text"; done
}

# expect_files NAME...: the folder holds exactly these (hidden files of this library aside); "" for
# none.
expect_files() {
  local found
  found="$(find . -mindepth 1 -maxdepth 1 ! -name '.out' ! -name '.err' -printf '%f\n' | sort | tr '\n' ' ')"
  local wanted=""
  [ -z "$1" ] || wanted="$(printf '%s\n' "$@" | sort | tr '\n' ' ')"
  [ "$found" = "$wanted" ] || problem "expected the files '$wanted', found '$found'"
}

skip() {
  echo "skipped: $*"
  exit 77
}

make_onnx() { node "$tests/make_onnx.js" "$1" "$2" || exit 1; } # kind, file

need_node() { command -v node > /dev/null || skip "node is not installed"; }

finish() {
  [ "$failures" = 0 ] || exit 1
  echo "ok"
}
