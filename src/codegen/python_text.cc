// Python's spelling of numbers and calls.
//
// Tested by tests/codegen/python_text_test.cc.

#include "python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace autogo {

std::string grouped(const PyExpr& expr) { return expr.atom ? expr.text : "(" + expr.text + ")"; }

PyExpr py_infix(const std::vector<PyExpr>& terms, const std::string& op) {
  std::string text;
  for (const PyExpr& term : terms) text += (text.empty() ? "" : " " + op + " ") + grouped(term);
  return {text, false};
}

PyExpr py_call(const std::string& function, const std::vector<std::string>& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += (text.empty() ? "" : ", ") + argument;
  return {function + "(" + text + ")"};
}

PyExpr py_method(const PyExpr& x, const std::string& method,
                 const std::vector<std::string>& arguments) {
  return py_call(grouped(x) + "." + method, arguments);
}

std::string py_float(double value) {
  if (std::isnan(value)) return "float(\"nan\")";
  if (std::isinf(value)) return value > 0 ? "float(\"inf\")" : "-float(\"inf\")";
  const auto single = static_cast<float>(value);
  std::array<char, 40> buffer{};
  const bool exact = static_cast<double>(single) == value;
  const auto result = exact ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), single)
                            : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), result.ptr);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string py_bool(bool value) { return value ? "True" : "False"; }

std::string py_items(std::span<const std::int64_t> values) {
  std::string text;
  for (const std::int64_t v : values) text += (text.empty() ? "" : ", ") + std::to_string(v);
  return text;
}

std::string py_tuple(std::span<const std::int64_t> values) {
  return "(" + py_items(values) + (values.size() == 1 ? ",)" : ")");
}

std::string py_sizes(std::span<const std::int64_t> values) {
  const bool alike = std::ranges::all_of(values, [&](std::int64_t v) { return v == values[0]; });
  return alike && !values.empty() ? std::to_string(values[0]) : py_tuple(values);
}

std::string py_dims(std::span<const std::int64_t> values) {
  return values.empty() ? "()" : py_items(values);
}

std::string py_list(std::span<const std::int64_t> values) { return "[" + py_items(values) + "]"; }

std::string py_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

namespace {

/// The statement cut behind the commas between arguments, blanks included.
std::vector<std::string> pieces_of(const std::string& line) {
  std::vector<std::string> pieces;
  std::size_t begin = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;  // the next character is escaped
      quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c != ' ' || i == 0 || line[i - 1] != ',' || depth == 0) continue;
    pieces.push_back(line.substr(begin, i + 1 - begin));
    begin = i + 1;
  }
  pieces.push_back(line.substr(begin));
  return pieces;
}

}  // namespace

std::string py_wrap(const std::string& line, std::size_t indent) {
  constexpr std::size_t kColumns = 100;
  std::string text, current(indent, ' ');
  if (indent + line.size() <= kColumns) return current + line;
  for (const std::string& piece : pieces_of(line)) {
    if (current.size() + piece.size() > kColumns && current.size() > indent + 8) {
      current.erase(current.find_last_not_of(' ') + 1);
      text += current + "\n";
      current = std::string(indent + 8, ' ');
    }
    current += piece;
  }
  return text + current;
}

}  // namespace autogo
