// Einsum by ONNX's definition: terms of letters, one ellipsis a term, an output that is given or
// holds the ellipsis and the letters that occur once, in order. Sizes of 1 broadcast.
//
// Tested by tests/onnx/einsum_test.cc.

#include "einsum.h"

#include <algorithm>

#include "autogo/base/error.h"

namespace autogo {
namespace {

constexpr int kLetters = 52;  // axes of the ellipsis come after them

[[noreturn]] void fail(const std::string& equation, const std::string& what) {
  throw Error(ErrorKind::kInput, "the equation '" + equation + "' " + what);
}

int letter_axis(char letter, const std::string& equation) {
  if (letter >= 'a' && letter <= 'z') return letter - 'a';
  if (letter >= 'A' && letter <= 'Z') return 26 + letter - 'A';
  fail(equation, "holds '" + std::string(1, letter) + "'");
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> terms(1);
  for (const char c : text) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  return terms;
}

}  // namespace

EinsumShapes::EinsumShapes(const std::string& equation,
                           const std::vector<std::vector<std::int64_t>>& operands)
    : equation_(equation) {
  std::string text = equation;
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  const std::vector<std::string> terms = split(text.substr(0, arrow));
  if (terms.size() != operands.size()) {
    fail(equation_, "has " + std::to_string(terms.size()) + " terms for " +
                        std::to_string(operands.size()) + " inputs");
  }
  for (std::size_t i = 0; i < terms.size(); ++i) read_operand(terms[i], operands[i]);
  if (arrow == std::string::npos) {
    imply_output();
  } else {
    read_output(text.substr(arrow + 2));
  }
}

void EinsumShapes::read_operand(const std::string& term, const std::vector<std::int64_t>& dims) {
  const std::size_t dots = term.find("...");
  const std::size_t letters = dots == std::string::npos ? term.size() : term.size() - 3;
  const std::size_t rank = dims.size();
  if (letters > rank || (dots == std::string::npos && letters != rank)) {
    fail(equation_, "has the term '" + term + "' for an input of " + std::to_string(rank) +
                        (rank == 1 ? " dimension" : " dimensions"));
  }
  const int hidden = static_cast<int>(rank - letters);
  ellipsis_ = std::max(ellipsis_, hidden);
  Axes axes;
  for (std::size_t i = 0; i < term.size();) {
    if (i == dots) {
      for (int k = hidden; k-- > 0;) axes.push_back(kLetters + k);
      i += 3;
    } else {
      axes.push_back(letter_axis(term[i++], equation_));
    }
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    std::int64_t& size = sizes_.emplace(axes[i], 1).first->second;
    const std::int64_t d = dims[i];
    if (size > 1 && d > 1 && size != d) {
      fail(equation_,
           "gives one axis the sizes " + std::to_string(size) + " and " + std::to_string(d));
    }
    if (size == 1 || (size < 0 && d > 1)) size = d;
  }
  operands_.push_back(std::move(axes));
}

void EinsumShapes::read_output(const std::string& term) {
  for (std::size_t i = 0; i < term.size();) {
    if (term.compare(i, 3, "...") == 0) {
      for (int k = ellipsis_; k-- > 0;) output_.push_back(kLetters + k);
      i += 3;
      continue;
    }
    const int axis = letter_axis(term[i++], equation_);
    if (!sizes_.contains(axis) || std::ranges::count(output_, axis) > 0) {
      fail(equation_, "has a wrong output");
    }
    output_.push_back(axis);
  }
}

void EinsumShapes::imply_output() {
  std::map<int, int> seen;
  for (const Axes& axes : operands_) {
    for (const int axis : axes) ++seen[axis];
  }
  for (int k = ellipsis_; k-- > 0;) output_.push_back(kLetters + k);
  for (const auto& [axis, times] : seen) {
    if (axis < kLetters && times == 1) output_.push_back(axis);
  }
}

std::vector<std::int64_t> EinsumShapes::output() const {
  std::vector<std::int64_t> dims;
  for (const int axis : output_) dims.push_back(sizes_.at(axis));
  return dims;
}

std::int64_t EinsumShapes::volume(const std::set<int>& axes) const {
  std::int64_t product = 1;
  for (const int axis : axes) {
    const std::int64_t size = sizes_.at(axis);
    if (size < 0 || __builtin_mul_overflow(product, size, &product)) return -1;
  }
  return product;
}

std::int64_t EinsumShapes::macs() const {
  std::int64_t macs = 0;
  std::set<int> product(operands_[0].begin(), operands_[0].end());
  for (std::size_t i = 1; i < operands_.size(); ++i) {
    std::set<int> needed(output_.begin(), output_.end());
    for (std::size_t k = i + 1; k < operands_.size(); ++k) {
      needed.insert(operands_[k].begin(), operands_[k].end());
    }
    product.insert(operands_[i].begin(), operands_[i].end());
    const std::int64_t all = volume(product);
    const bool sums = std::erase_if(product, [&](int axis) { return !needed.contains(axis); }) > 0;
    if (!sums) continue;
    if (all < 0 || __builtin_add_overflow(macs, all, &macs)) return -1;
  }
  return macs;
}

}  // namespace autogo
