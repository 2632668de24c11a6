#!/bin/bash
# check_includes.sh ROOT: every #include under ROOT's include/, src/ and tools/ must follow the
# table of docs/architecture.md: which layer may see which, and who owns which library.
# Prints one line for each edge outside it; exit 1 when there is one.
set -euo pipefail
cd "$1"

# Layers that a layer may include; theirs are added. The same table stands in docs/architecture.md.
declare -A may=(
  [base]="" [graph]="base" [data]="base" [milp]="base" [onnx]="graph" [program]="graph onnx"
  [segment]="graph" [propagate]="graph milp" [cost]="graph" [tensors]="graph" [corpus]="graph"
  [predict]="graph segment corpus cost tensors"
  [network]="program data tensors" [codegen]="program"
  [search]="onnx segment propagate cost corpus predict" [study]="search network"
  [tools]="codegen study"
  [bench]="tools"
)
# Owners of a library, by the start of the header's name.
declare -A owner=(
  [spdlog/]=base [nlohmann/]=base [zlib.h]=base [tbb/]=base
  [onnx/]="onnx program" [google/protobuf/]="onnx program"
  [sentencepiece]=spm_helper
  [Cbc]=milp [Clp]=milp [Osi]=milp [Coin]=milp [Cgl]=milp
  [torch/]="tensors predict network bench" [ATen/]="tensors predict network"
  [c10/]="tensors predict network"
  [jpeglib.h]=data [jerror.h]=data [png.h]=data
  [CLI/]=tools [benchmark/]=bench [gtest/]=tests [gmock/]=tests
)
# System headers with a slash or ending in .h; any plain <name> is the standard library's.
system='^(sys/[a-z_]+\.h|(unistd|fcntl|fnmatch|dirent|signal|dlfcn|sched|pthread|spawn|poll|time|immintrin|malloc)\.h|linux/[a-z_]+\.h)$'
# LibTorch's readers are interpreters (docs/decisions/0016-tensors-in-files.md).
interpreters='^torch/(serialize|script|jit|csrc/jit)'
# Private headers that other layers may use, as LAYER:HEADER: the doors to JSON, to tensors in files
# and, for program, to the model that the exporter builds. Benchmarks time what a search does inside.
doors='^([a-z]+:(base/json|graph/graph_json|tensors/[a-z_]+)|program:onnx/[a-z_/]+|bench:(search|network)/[a-z_/]+)\.h$'

reachable() {  # the layers that $1 may include, itself and theirs
  local todo="$1" seen=" " layer next
  while [ -n "$todo" ]; do
    next=""
    for layer in $todo; do
      case "$seen" in *" $layer "*) continue ;; esac
      seen="$seen$layer "
      next="$next ${may[$layer]-}"
    done
    todo="${next# }"
  done
  echo "$seen"
}
declare -A reach
for layer in "${!may[@]}"; do reach[$layer]="$(reachable "$layer")"; done

bad=0
complain() { echo "$1: #include $2: $3"; bad=1; }

set_layer() {  # of the file $1; no $(...), which would cost a process per line
  layer="${1#include/autogo/}"
  layer="${layer#src/}"
  case "$1" in
    include/autogo/*/* | src/*/*) layer="${layer%%/*}" ;;
    tools/spm_helper/*) layer=spm_helper ;;
    tools/bench/*) layer=bench ;;
    *) layer=tools ;;
  esac
}

check() {  # file, header, its opening mark
  local file="$1" header="$2" kind="$3" layer target prefix
  set_layer "$file"
  if [ "$kind" = '<' ]; then
    [[ "$header" =~ ^[a-z_0-9]+$ || "$header" =~ $system ]] && return
    if [[ "$header" =~ $interpreters ]]; then
      complain "$file" "$header" "reads files by running what they contain"
      return
    fi
    for prefix in "${!owner[@]}"; do
      if [[ "$header" == "$prefix"* ]]; then
        [[ "$file" != include/* ]] || complain "$file" "$header" "a public header names no library"
        case " ${owner[$prefix]} " in
          *" $layer "*) ;;
          *) complain "$file" "$header" "only ${owner[$prefix]// / and } may include it, not $layer" ;;
        esac
        return
      fi
    done
    complain "$file" "$header" "nobody owns this library; add it to docs/architecture.md"
    return
  fi
  case "$header" in
    autogo/*/*) target="${header#autogo/}"; target="${target%%/*}" ;;
    */*)
      target="${header%%/*}"
      if [ "$target" != "$layer" ] && ! [[ "$layer:$header" =~ $doors ]]; then
        complain "$file" "$header" "a private header of another layer"
        return
      fi
      ;;
    *) return ;;  # beside the file
  esac
  case " ${reach[$layer]-$layer} " in
    *" $target "*) ;;
    *) complain "$file" "$header" "$layer may not include $target" ;;
  esac
}

count=0
while IFS=: read -r file line; do
  [[ "$line" =~ include[[:space:]]*([\<\"])([^\>\"]+) ]]
  check "$file" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}"
  count=$((count + 1))
done < <(grep -rHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' \
  --include='*.h' --include='*.cc' include src tools 2>/dev/null || true)

if [ "$count" = 0 ]; then
  echo "$1: no #include found: is this the source tree?"
  exit 1
fi
exit $bad
