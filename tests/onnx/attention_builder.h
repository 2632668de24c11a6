#pragma once

#include "onnx_builder.h"

namespace autogo {

/// Attention of 4 heads over 9 tokens of 32 channels, its queries, keys and values by one product,
/// with a mask that is an input; between two layers.
inline OnnxBuilder masked_attention(std::int64_t opset = 13) {
  OnnxBuilder b(opset);
  b.input("x", {2, 9, 32}).input("mask", {2, 1, 1, 9}).output("y");
  b.weight("first", {32, 32}).weight("qkv", {32, 96}).weight("bias", {96}).weight("out", {32, 32});
  b.ints("parts", {2, 9, 3, 4, 8}).ints("tokens", {2, 9, 32}).scalar("scale", 0.35);
  b.node("MatMul", {"x", "first"}, {"h"});
  b.node("MatMul", {"h", "qkv"}, {"all"});
  b.node("Add", {"all", "bias"}, {"shifted"});
  b.node("Reshape", {"shifted", "parts"}, {"apart"});
  set_attribute(b.node("Transpose", {"apart"}, {"turned"}), "perm",
                std::vector<std::int64_t>{2, 0, 3, 1, 4});
  for (const std::int64_t part : {0, 1, 2}) {
    const std::string index = "index" + std::to_string(part), name = std::string(1, "qkv"[part]);
    b.ints(index, {part});
    set_attribute(b.node("Gather", {"turned", index}, {name + "1"}), "axis", std::int64_t{0});
    b.ints("shape" + name, {2, 4, 9, 8});
    b.node("Reshape", {name + "1", "shape" + name}, {name});
  }
  set_attribute(b.node("Transpose", {"k"}, {"kt"}), "perm", std::vector<std::int64_t>{0, 1, 3, 2});
  b.node("Mul", {"q", "scale"}, {"scaled"});
  b.node("MatMul", {"scaled", "kt"}, {"scores"});
  b.node("Add", {"scores", "mask"}, {"masked"});
  set_attribute(b.node("Softmax", {"masked"}, {"shares"}), "axis", std::int64_t{-1});
  b.node("MatMul", {"shares", "v"}, {"mix"});
  set_attribute(b.node("Transpose", {"mix"}, {"back"}), "perm",
                std::vector<std::int64_t>{0, 2, 1, 3});
  b.node("Reshape", {"back", "tokens"}, {"joined"});
  b.node("MatMul", {"joined", "out"}, {"z"});
  b.node("Add", {"z", "h"}, {"y"});
  return b;
}

}  // namespace autogo
