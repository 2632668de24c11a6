#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "autogo/base/error.h"
#include "infer.h"

namespace autogo {

using InferRule = std::function<std::vector<InferredValue>(const NodeView&)>;

/// Rules by operator; infer_movement.cc has those of operators that only move data,
/// infer_recent.cc those that the schemas of ONNX's library do not serve.
const std::map<std::string_view, InferRule>& movement_rules();
const std::map<std::string_view, InferRule>& recent_rules();

/// What the rules share.
namespace infer_detail {

using Values = std::vector<InferredValue>;
using Ints = std::vector<std::int64_t>;

[[noreturn]] inline void fail(const std::string& text) { throw Error(ErrorKind::kInput, text); }

inline void require_input(const NodeView& n, std::size_t i) {
  if (!n.has(i)) fail("input " + std::to_string(i) + " is missing");
}

inline Values one(DType type, Dims dims) { return {{type, std::move(dims), nullptr}}; }

inline std::int64_t multiply(std::int64_t a, std::int64_t b) {
  if (a < 0 || b < 0) return -1;
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail("a dimension is too large");
  return product;
}

inline std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail("a dimension is too large");
  return sum;
}

inline std::string dims_text(const Dims& dims) {
  if (!dims) return "unknown";
  if (dims->empty()) return "scalar";
  std::string text;
  for (const std::int64_t d : *dims) {
    text += (text.empty() ? "" : "x") + (d < 0 ? std::string("?") : std::to_string(d));
  }
  return text;
}

}  // namespace infer_detail
}  // namespace autogo
