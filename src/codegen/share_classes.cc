// Sections that a person would write as one class.
//
// Two sections are alike when their statements are equal and the constructors of their layers
// differ in integers only. Where alike sections have different integers in the same place, the
// class takes an argument; places that agree everywhere share it. The argument is called after the
// place: the keyword before it, or the layer's positional parameter.
//
// Tested by tests/codegen/pytorch_test.cc.

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

#include "section_code.h"

namespace autogo {
namespace {

/// A constructor as text with holes for its integers.
struct Template {
  std::vector<std::string> pieces;  ///< one more than numbers
  std::vector<std::string> numbers;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

Template holes(const std::string& text) {
  Template result;
  std::string piece;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string word = text.substr(i, std::max<std::size_t>(end - i, 1));
    const bool integer = std::ranges::all_of(
        word, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
    if (integer) {
      result.pieces.push_back(piece);
      result.numbers.push_back(word);
      piece.clear();
    } else {
      piece += word;
    }
    i += word.size();
  }
  result.pieces.push_back(piece);
  return result;
}

struct Role {
  std::string_view layer;
  std::array<std::string_view, 3> parameters;
};
constexpr std::array<Role, 6> kRoles{{{"Conv", {"channels_in", "channels_out", "kernel"}},
                                      {"Linear", {"features_in", "features_out", ""}},
                                      {"BatchNorm", {"channels", "", ""}},
                                      {"layers.Conv2D(", {"channels_out", "kernel", ""}},
                                      {"layers.Depthwise", {"kernel", "", ""}},
                                      {"layers.Dense", {"features_out", "", ""}}}};

/// What the integer behind `before` is: "stride", "channels_in"; "size" when nothing says it.
std::string role_of(const std::string& before, const std::string& first) {
  if (before.ends_with('=') || before.ends_with("=(")) {
    const std::size_t equals = before.rfind('=');
    std::size_t begin = equals;
    while (begin > 0 && is_word(before[begin - 1])) --begin;
    return before.substr(begin, equals - begin);
  }
  const auto position = static_cast<std::size_t>(std::ranges::count(before, ','));
  for (auto role = kRoles.rbegin(); role != kRoles.rend(); ++role) {
    if (first.find(role->layer) == std::string::npos || position > 2) continue;
    if (!role->parameters[position].empty()) return std::string(role->parameters[position]);
    break;
  }
  return "size";
}

constexpr std::size_t kMostParameters = 8;

/// The integers of a section's constructors, and what is around them.
struct Numbers {
  std::vector<std::string> values, roles;
  std::string frame;  ///< everything else
};

Numbers numbers_of(const SectionCode& code) {
  Numbers result;
  for (const LayerCode& layer : code.layers) {
    const Template t = holes(layer.constructor);
    std::string before;
    for (std::size_t i = 0; i < t.numbers.size(); ++i) {
      before += t.pieces[i];
      result.roles.push_back(role_of(before, t.pieces[0]));
      before += "0";
      result.values.push_back(t.numbers[i]);
    }
    result.frame += layer.name + "=";
    for (const std::string& piece : t.pieces) result.frame += piece + "#";
  }
  for (const std::string& line : code.lines) result.frame += "\n" + line;
  return result;
}

/// Columns of the integers that differ; equal columns share a parameter.
struct Parameters {
  std::vector<int> of_place;  ///< parameter of each integer, -1: the same in all
  std::vector<std::string> names;
  std::vector<std::size_t> place;  ///< first place of each parameter
};

Parameters find_parameters(const std::vector<const Numbers*>& alike) {
  Parameters result;
  std::map<std::vector<std::string>, int> known;
  std::map<std::string, int> used;
  for (std::size_t i = 0; i < alike[0]->values.size(); ++i) {
    std::vector<std::string> column;
    for (const Numbers* numbers : alike) column.push_back(numbers->values[i]);
    const bool same = std::ranges::all_of(column, [&](const auto& v) { return v == column[0]; });
    if (same) {
      result.of_place.push_back(-1);
      continue;
    }
    const auto [it, added] = known.try_emplace(column, static_cast<int>(result.names.size()));
    if (added) {
      const std::string& role = alike[0]->roles[i];
      const int count = ++used[role];
      result.names.push_back(count == 1 ? role : role + std::to_string(count));
      result.place.push_back(i);
    }
    result.of_place.push_back(it->second);
  }
  return result;
}

ClassCode class_of(const SectionCode& code, const Parameters& parameters) {
  ClassCode result;
  result.code = &code;
  result.parameters = parameters.names;
  std::size_t place = 0;
  for (const LayerCode& layer : code.layers) {
    const Template t = holes(layer.constructor);
    std::string text = t.pieces[0];
    for (std::size_t i = 0; i < t.numbers.size(); ++i, ++place) {
      const int p = parameters.of_place[place];
      text += p < 0 ? t.numbers[i] : parameters.names[static_cast<std::size_t>(p)];
      text += t.pieces[i + 1];
    }
    result.constructors.push_back(text);
  }
  return result;
}

}  // namespace

FileCode share_classes(const std::vector<Section>& sections,
                       const std::vector<SectionCode>& codes) {
  std::vector<Numbers> numbers;
  std::map<std::string, std::vector<std::size_t>> alike;  // frame -> sections
  std::vector<std::string> order;
  for (std::size_t s = 0; s < codes.size(); ++s) {
    numbers.push_back(numbers_of(codes[s]));
    std::vector<std::size_t>& group = alike[numbers.back().frame];
    if (group.empty()) order.push_back(numbers.back().frame);
    group.push_back(s);
  }
  FileCode file;
  file.uses.resize(codes.size());
  std::map<std::string, int> used;
  auto add_class = [&](const std::vector<std::size_t>& group) {
    std::vector<const Numbers*> members;
    for (const std::size_t s : group) members.push_back(&numbers[s]);
    const Parameters parameters = find_parameters(members);
    if (parameters.names.size() > kMostParameters) return false;
    ClassCode code = class_of(codes[group[0]], parameters);
    const std::string& kind = sections[group[0]].kind;
    code.name = kind + "Segment" + std::to_string(++used[kind]);
    for (const std::size_t s : group) {
      file.uses[s].class_index = file.classes.size();
      for (const std::size_t place : parameters.place) {
        file.uses[s].arguments.push_back(numbers[s].values[place]);
      }
    }
    file.classes.push_back(std::move(code));
    return true;
  };
  for (const std::string& frame : order) {
    if (add_class(alike[frame])) continue;
    std::map<std::vector<std::string>, std::vector<std::size_t>> equal;
    for (const std::size_t s : alike[frame]) equal[numbers[s].values].push_back(s);
    for (const std::size_t s : alike[frame]) {
      if (equal[numbers[s].values][0] == s) add_class(equal[numbers[s].values]);
    }
  }
  for (std::size_t s = 0; s < codes.size(); ++s) {
    file.uses[s].name = sections[s].kind == "Head" ? "head" : "segment" + std::to_string(s + 1);
  }
  return file;
}

}  // namespace autogo
