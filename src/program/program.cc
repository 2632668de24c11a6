// Tested by tests/program/program_test.cc.

#include "autogo/program/program.h"

#include "autogo/base/error.h"

namespace autogo {
namespace {

template <typename T>
const T* find(const ProgramNode& node, const std::string& key, const char* expected) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&it->second);
  AUTOGO_REQUIRE(value != nullptr, ErrorKind::kInput, "attribute '" + key + "' is not " + expected);
  return value;
}

}  // namespace

std::int64_t ProgramNode::integer(const std::string& key, std::int64_t other) const {
  const auto* value = find<std::int64_t>(*this, key, "an integer");
  return value != nullptr ? *value : other;
}

float ProgramNode::real(const std::string& key, float other) const {
  const auto* value = find<float>(*this, key, "a number");
  return value != nullptr ? *value : other;
}

std::string ProgramNode::text(const std::string& key, const std::string& other) const {
  const auto* value = find<std::string>(*this, key, "a string");
  return value != nullptr ? *value : other;
}

std::optional<std::vector<std::int64_t>> ProgramNode::integers(const std::string& key) const {
  const auto* value = find<std::vector<std::int64_t>>(*this, key, "a list of integers");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<float>> ProgramNode::reals(const std::string& key) const {
  const auto* value = find<std::vector<float>>(*this, key, "a list of numbers");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::string describe(const Program& program, const ProgramNode& node) {
  std::string name = node.name;
  for (const int output : node.outputs) {
    if (name.empty() && output >= 0) name = program.values[static_cast<std::size_t>(output)].name;
  }
  return "node '" + name + "' (" + node.op_type + ")";
}

}  // namespace autogo
