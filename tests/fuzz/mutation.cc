#include "mutation.h"

#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

namespace autogo::fuzz {
namespace {

/// All values of a document, the root included.
void collect(Json& json, std::vector<Json*>& values) {
  values.push_back(&json);
  if (!json.is_structured()) return;
  for (Json& child : json) collect(child, values);
}

Json odd_value(Rng& rng) {
  switch (rng.below(9)) {
    case 0:
      return nullptr;
    case 1:
      return rng.below(2) == 0;
    case 2:
      return odd_real(rng);
    case 3:
      return Json::array();
    case 4:
      return Json::object();
    case 5:
      return std::string(rng.below(2) == 0 ? 0 : rng.below(40), static_cast<char>(rng.below(128)));
    case 6:
      return Json::array({odd_integer(rng), odd_integer(rng)});
    case 7:
      return static_cast<std::uint64_t>(odd_integer(rng));
    default:
      return odd_integer(rng);
  }
}

void edit_number(Json& number, Rng& rng) {
  if (rng.below(2) == 0 || !number.is_number_integer()) {
    number = odd_value(rng);
  } else {  // in unsigned arithmetic, which may wrap
    const auto step = rng.below(2) == 0 ? std::uint64_t{1} : ~std::uint64_t{0};
    const auto old = static_cast<std::uint64_t>(number.get<std::int64_t>());
    number = static_cast<std::int64_t>(old + step);
  }
}

void edit_structure(Json& json, Rng& rng) {
  if (json.empty()) {
    json = odd_value(rng);
    return;
  }
  auto at = std::next(json.begin(), static_cast<std::ptrdiff_t>(rng.below(json.size())));
  switch (rng.below(4)) {
    case 0:
      json.erase(at);
      break;
    case 1:
      if (json.is_array()) {
        json.push_back(Json(*at));
      } else {
        json["unknown"] = Json(*at);
      }
      break;
    case 2:
      if (json.is_array()) {
        std::swap(*at, json[rng.below(json.size())]);
      } else {
        *at = odd_value(rng);
      }
      break;
    default:
      *at = odd_value(rng);
  }
}

}  // namespace

std::int64_t odd_integer(Rng& rng) {
  switch (rng.below(4)) {
    case 0:
      return static_cast<std::int64_t>(rng.below(10));
    case 1:
      return -static_cast<std::int64_t>(rng.below(10));
    default: {
      const std::uint64_t power = std::uint64_t{1} << rng.below(64);
      const std::uint64_t value = power + rng.below(3) - 1;
      return static_cast<std::int64_t>(rng.below(4) == 0 ? 0 - value : value);
    }
  }
}

double odd_real(Rng& rng) {
  static const double kOdd[] = {0.0,
                                -0.0,
                                1e-320,
                                1e30,
                                -1e300,
                                std::numeric_limits<double>::infinity(),
                                -std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()};
  return kOdd[rng.below(std::size(kOdd))];
}

std::string edit_bytes(std::string bytes, Rng& rng) {
  static const std::string kText = "{}[]\",:|~+019-.eE3asnm \n\\u\t\xff\x80";
  const std::uint64_t edits = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < edits && !bytes.empty(); ++i) {
    const std::size_t at = rng.below(bytes.size());
    switch (rng.below(8)) {
      case 0:
        bytes[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
        break;
      case 2:
        bytes.erase(at, 1 + rng.below(8));
        break;
      case 3:
        bytes.insert(at, bytes.substr(rng.below(bytes.size()), 1 + rng.below(32)));
        break;
      case 4:
        bytes[at] = kText[rng.below(kText.size())];
        break;
      case 5:
        bytes.insert(at, 1, kText[rng.below(kText.size())]);
        break;
      case 6:
        if (rng.below(4) == 0) bytes.resize(at);
        break;
      default:  // a large or negative number where a small one was
        bytes.replace(at, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    }
  }
  return bytes;
}

void edit_json(Json& json, Rng& rng) {
  std::vector<Json*> values;
  collect(json, values);
  Json& value = *values[rng.below(values.size())];
  if (rng.below(8) == 0) {
    value = Json(*values[rng.below(values.size())]);  // another part of the document
  } else if (value.is_structured()) {
    edit_structure(value, rng);
  } else if (value.is_number()) {
    edit_number(value, rng);
  } else if (value.is_string() && rng.below(2) == 0) {
    std::string text = edit_bytes(value.get<std::string>(), rng);
    for (char& c : text) c = static_cast<char>(c & 0x7f);  // stays valid UTF-8
    value = text;
  } else {
    value = odd_value(rng);
  }
}

}  // namespace autogo::fuzz
