#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace autogo {

/// A Python expression. An atom binds tighter than any operator: a name, a call, an index.
struct PyExpr {
  std::string text;
  bool atom = true;
  bool tuple = false;  ///< of all outputs of an operator
};

/// With parentheses unless it is an atom.
std::string grouped(const PyExpr& expr);
/// `a + b`, `a @ b`, ...: operands in parentheses where they need some.
PyExpr py_infix(const std::vector<PyExpr>& terms, const std::string& op);
/// `function(a, b)`
PyExpr py_call(const std::string& function, const std::vector<std::string>& arguments);
/// `x.method(a, b)`
PyExpr py_method(const PyExpr& x, const std::string& method,
                 const std::vector<std::string>& arguments = {});

/// The shortest text that reads back as the same float: "0.1", "1e-05", "float(\"inf\")".
std::string py_float(double value);
std::string py_bool(bool value);
/// "1, 2"
std::string py_items(std::span<const std::int64_t> values);
/// "(1, 2)", "(1,)"
std::string py_tuple(std::span<const std::int64_t> values);
/// One number when all are equal, else a tuple: how people write kernels.
std::string py_sizes(std::span<const std::int64_t> values);
/// Dimensions as the arguments of a call: "1, 2", "()" where there are none.
std::string py_dims(std::span<const std::int64_t> values);
/// "[1, 2]"
std::string py_list(std::span<const std::int64_t> values);
/// In double quotes, escaped; control characters become blanks.
std::string py_string(std::string_view text);

/// A statement broken at commas between arguments, never inside a string, into lines of at most 100
/// columns where it is too long.
std::string py_wrap(const std::string& line, std::size_t indent);

}  // namespace autogo
