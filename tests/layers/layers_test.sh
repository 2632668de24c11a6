#!/bin/bash
# layers_test.sh SOURCE: the source tree keeps to the table of layers and has one type of a name, and
# the checks notice when one does not.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
"$here/check_includes.sh" "$1"
"$here/check_names.sh" "$1"

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
  'src/cost/a.cc: #include onnx/onnx_pb.h: only onnx and program may include it, not cost'
expect include/autogo/predict/a.h '#include <torch/torch.h>' \
  'include/autogo/predict/a.h: #include torch/torch.h: a public header names no library'
expect src/cost/a.cc '#include <torch/torch.h>' \
  'src/cost/a.cc: #include torch/torch.h: only tensors and predict and network and bench may include it, not cost'
expect src/network/a.cc '#include "autogo/predict/predictor.h"' \
  'src/network/a.cc: #include autogo/predict/predictor.h: network may not include predict'
expect src/network/a.cc '#include <torch/torch.h>' ''
expect src/network/a.cc '#include <torch/serialize/archive.h>' \
  'src/network/a.cc: #include torch/serialize/archive.h: reads files by running what they contain'
expect src/cost/a.cc '#include "graph/canonical_search.h"' \
  'src/cost/a.cc: #include graph/canonical_search.h: a private header of another layer'
expect src/search/a.cc '#include <boost/any.hpp>' \
  'src/search/a.cc: #include boost/any.hpp: nobody owns this library; add it to docs/architecture.md'
expect tools/autogo/a.cc '#include <CLI/CLI.hpp>' ''
expect src/predict/a.cc '#include "autogo/base/error.h"' ''
expect src/segment/a.cc '#include "base/json.h"' ''
expect src/program/a.cc '#include "onnx/export/built_model.h"' ''
expect src/network/a.cc '#include "onnx/export/built_model.h"' \
  'src/network/a.cc: #include onnx/export/built_model.h: a private header of another layer'
expect src/predict/a.cc '#include "tensors/tensor_file.h"' ''
expect src/segment/a.cc '#include "tensors/tensor_file.h"' \
  'src/segment/a.cc: #include tensors/tensor_file.h: segment may not include tensors'

# expect_names COMPLAINT: what check_names.sh says of two files, whose texts are standard input, split
# by a line of dashes.
expect_names() {
  local wanted="$1" said
  rm -rf "${work:?}/src" "$work/include" "$work/tools"
  mkdir -p "$work/src/a" "$work/include/autogo/b"
  awk -v a="$work/src/a/a.cc" -v b="$work/include/autogo/b/b.h" \
    '/^---$/ { second = 1; next } { print > (second ? b : a) }'
  if said="$("$here/check_names.sh" "$work")"; then
    [ -z "$wanted" ] && return
    echo "two types of one name were let through, expected '$wanted'"
    exit 1
  fi
  if [ "$said" != "$wanted" ]; then
    echo "expected '$wanted', got '$said'"
    exit 1
  fi
}
for definition in 'struct View {' 'class View final : public Base {' 'union View {' \
  'enum class View : std::uint8_t {' 'template <typename T> struct View {' \
  'class [[nodiscard]] View {' 'enum View {'; do
  expect_names 'View: defined at include/autogo/b/b.h:3, src/a/a.cc:2' << EOF
namespace autogo {
$definition };
}
---
#include <x>
namespace autogo {
$definition
  int x;
};
}  // namespace autogo
EOF
done
expect_names 'View: defined at include/autogo/b/b.h:1, src/a/a.cc:7' << 'EOF'
namespace autogo {
namespace { struct Mine {}; }
void f() { "{ // "; '{'; }  // {
/* {
 */ const char* text = R"x({ "x" )x";
struct View
{
};
}
---
namespace autogo { struct View {}; }
EOF
expect_names '' << 'EOF'
namespace autogo {
class View;
struct View* g();
namespace { struct View {}; enum class Kind { kA }; }
struct A { struct Impl {}; enum class Kind {}; };
void f() { struct Local {}; }
template <class Kind> void g(Kind) {}
}
---
namespace autogo {
struct View { int x = 1'000; };
struct B { struct Impl {}; };
class Kind {};
inline void h() { struct Local {}; }
struct Local f2() { return {}; }
}
EOF
echo "layers: ok"
