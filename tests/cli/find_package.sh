#!/bin/bash
# Another CMake project installs autogo, finds it with find_package() and links the library; the
# installed program finds its data, helper and module without help.
. "$(dirname "$0")/lib.sh"
command -v cmake > /dev/null || skip "cmake is not installed"

run cmake --install "$AUTOGO_BINARY_DIR" --prefix "$work/prefix"
expect_code 0

mkdir consumer
cat > consumer/CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(autogo 0.1 REQUIRED)
add_executable(consumer main.cc)
target_link_libraries(consumer PRIVATE autogo::autogo)
CMAKE
cat > consumer/main.cc << 'CPP'
#include <autogo/cost/cost.h>
#include <autogo/onnx/model.h>
#include <autogo/propagate/propagate.h>

#include <cstdio>

int main(int, char** argv) {
  using namespace autogo;
  const Graph graph = import_onnx(argv[1]);
  Graph body;
  const TensorType port{DType::kFloat32, Layout::kChannelsFirst, Shape{1, 16, 8, 8}};
  Attrs conv;
  conv.out_channels = 32;
  body.add_output(body.add(OpKind::kConv, conv, {body.add_input(port)}));
  const TensorType wanted{DType::kFloat32, Layout::kChannelsFirst, Shape{1, 64, 8, 8}};
  const TensorType inputs[] = {port}, outputs[] = {wanted};
  const Propagation answer = propagate(body, inputs, outputs);
  std::printf("%lld macs, %s\n", static_cast<long long>(graph_macs(graph)),
              answer.status == SolveStatus::kFeasible ? "feasible" : answer.reason.c_str());
}
CPP
# A library built with a sanitizer is linked with it.
run cmake -S consumer -B consumer/build -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_FLAGS="${AUTOGO_SANITIZE:+-fsanitize=$AUTOGO_SANITIZE}"
expect_code 0
run cmake --build consumer/build
expect_code 0

model="$AUTOGO_SOURCE_DIR/data/models/fsrcnn4.onnx"
[ -e "$model" ] || model="$(find "$AUTOGO_SOURCE_DIR/data/models" -name '*.onnx' | sort | head -n 1)"
run consumer/build/consumer "$model"
expect_code 0
[[ "$out" =~ ^[1-9][0-9]*\ macs,\ feasible$ ]] || problem "expected 'N macs, feasible'"

run "$work/prefix/bin/autogo" doctor
expect_code 0
expect_out_has "$work/prefix/share/autogo/segments.json"
expect_out_has "$work/prefix/libexec/autogo/autogo-spm"
finish
