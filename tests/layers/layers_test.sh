#!/bin/bash
# layers_test.sh SOURCE: the source tree keeps to the table of layers, and the check notices when
# one does not.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
"$here/check_includes.sh" "$1"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
expect() {  # file, include line, expected complaint
  rm -rf "${work:?}/src" "$work/include" "$work/tools"
  mkdir -p "$work/$(dirname "$1")"
  echo "$2" > "$work/$1"
  local said
  if said="$("$here/check_includes.sh" "$work")"; then
    [ -z "$3" ] && return
    echo "'$2' in $1 was let through"
    exit 1
  fi
  if [ "$said" != "$3" ]; then
    echo "'$2' in $1: expected '$3', got '$said'"
    exit 1
  fi
}
expect src/graph/a.cc '#include "autogo/onnx/model.h"' \
  'src/graph/a.cc: #include autogo/onnx/model.h: graph may not include onnx'
expect src/cost/a.cc '#include <onnx/onnx_pb.h>' \
  'src/cost/a.cc: #include onnx/onnx_pb.h: only onnx may include it, not cost'
expect include/autogo/predict/a.h '#include <torch/torch.h>' \
  'include/autogo/predict/a.h: #include torch/torch.h: a public header names no library'
expect src/cost/a.cc '#include <torch/torch.h>' \
  'src/cost/a.cc: #include torch/torch.h: only predict and network and bench may include it, not cost'
expect src/network/a.cc '#include "autogo/predict/predictor.h"' \
  'src/network/a.cc: #include autogo/predict/predictor.h: network may not include predict'
expect src/network/a.cc '#include <torch/torch.h>' ''
expect src/cost/a.cc '#include "graph/canonical_search.h"' \
  'src/cost/a.cc: #include graph/canonical_search.h: a private header of another layer'
expect src/search/a.cc '#include <boost/any.hpp>' \
  'src/search/a.cc: #include boost/any.hpp: nobody owns this library; add it to docs/architecture.md'
expect tools/autogo/a.cc '#include <CLI/CLI.hpp>' ''
expect src/predict/a.cc '#include "autogo/base/error.h"' ''
expect src/segment/a.cc '#include "base/json.h"' ''
echo "layers: ok"
