# Shared by tools/quickstart.sh and tools/test.sh; sourced, not run.
# Everything here can be repeated: what is there already is left alone and not mentioned.
# shellcheck shell=bash

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cores="$(nproc)"

say() { echo "== $*"; }
fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    fail "must install packages but is not root and there is no sudo; as root run: $*"
  fi
}

# install_packages KIND...: the packages of tools/packages.txt of these kinds that are missing.
install_packages() {
  local kind package missing=()
  while read -r kind package _; do
    case " $* " in *" $kind "*) ;; *) continue ;; esac
    if [ "$kind" = node ] && command -v node > /dev/null && command -v npm > /dev/null; then
      continue
    fi
    if ! dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed'; then
      missing+=("$package")
    fi
  done < <(grep -v '^#' "$source_dir/tools/packages.txt")
  [ "${#missing[@]}" = 0 ] && return
  command -v apt-get > /dev/null ||
    fail "this system has no apt-get; install by other means: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq || fail "apt-get update failed; is there a network?"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" > /dev/null || fail "apt-get could not install: ${missing[*]}"
}

# Runs models in the tests. Kept beside the builds, so that every preset shares it; set
# AUTOGO_ORT_DIR to use one that is there already.
ort_version=1.30.0
ort_dir="${AUTOGO_ORT_DIR:-$source_dir/build/onnxruntime}"
install_onnxruntime() {
  if node -e "require('$ort_dir/node_modules/onnxruntime-node')" 2> /dev/null; then return; fi
  say "installing onnxruntime-node $ort_version into ${ort_dir#"$source_dir"/}"
  mkdir -p "$ort_dir"
  npm install --loglevel=error --ignore-scripts --no-audit --no-fund --no-save --prefix "$ort_dir" \
    "onnxruntime-node@$ort_version" > /dev/null ||
    fail "npm could not install onnxruntime-node; is there a network?"
  node -e "require('$ort_dir/node_modules/onnxruntime-node')" ||
    fail "onnxruntime-node is installed in $ort_dir but does not load"
}

# build PRESET [TARGET...]: configures and builds.
build() {
  local preset="$1" log="$source_dir/build/$1/configure.log"
  shift
  mkdir -p "$(dirname "$log")"
  say "building build/$preset with $cores jobs"
  (cd "$source_dir" && cmake --preset "$preset" "${cmake_options[@]}" > "$log" 2>&1) || {
    tail -n 30 "$log" >&2
    fail "cmake could not configure; all of it is in $log"
  }
  cmake --build "$source_dir/build/$preset" -j "$cores" ${1:+--target "$@"} ||
    fail "the build failed"
}
cmake_options=()
