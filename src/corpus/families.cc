// What the families share: the list of them, and the layers that three of them are built of.
//
// Tested by tests/corpus/hiaml_test.cc, two_path_test.cc, inception_test.cc, sample_test.cc.

#include "families.h"

#include <array>

#include "autogo/base/error.h"
#include "autogo/corpus/corpus.h"
#include "nasbench.h"

namespace autogo {
namespace {

constexpr float kEpsilon = 1e-3F;

void check_nasbench201(const std::string& id) {
  if (!nasbench201_connected(nasbench201_code(id))) nasbench201_graph(id);  // says what is wrong
}

constexpr std::uint64_t kHiamlSize = 14ULL * 14 * 14 * 14;

constexpr std::array<Family, 5> kFamilies{{
    {kNasbench101Family, kNasbench101Prefix, nasbench101_graph, check_nasbench101_cell, nullptr, 0},
    {kNasbench201Family, kNasbench201Prefix, nasbench201_graph, check_nasbench201, nullptr, 0},
    {"hiaml", kHiamlPrefix, hiaml_graph, check_hiaml, draw_hiaml, kHiamlSize},
    {"inception", kInceptionPrefix, inception_graph, check_inception, draw_inception, 0},
    {"two-path", kTwoPathPrefix, two_path_graph, check_two_path, draw_two_path, 0},
}};

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family* family_of_id(std::string_view id) {
  for (const Family& family : kFamilies) {
    if (id.starts_with(family.prefix)) return &family;
  }
  return nullptr;
}

const Family* family_named(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

Graph family_graph(const std::string& id) {
  if (const Family* family = family_of_id(id)) return family->build(id);
  std::string prefixes;
  for (const Family& family : kFamilies) {
    prefixes += (prefixes.empty() ? "" : ", ") + std::string(family.prefix);
  }
  throw Error(ErrorKind::kInput, "'" + shown_id(id) + "' is no architecture id")
      .with_hint("ids begin with one of " + prefixes);
}

ValueId FamilyBuilder::conv_bn(ValueId x, std::array<std::int32_t, 2> kernel,
                               std::array<std::int32_t, 2> stride, std::int32_t channels,
                               Activation activation) {
  return activate(norm(conv(x, kernel, stride, channels, bias_)), activation);
}

ValueId FamilyBuilder::norm(ValueId x) { return batch_norm(x, kEpsilon); }

ValueId FamilyBuilder::activate(ValueId x, Activation activation) {
  if (activation == Activation::kNone) return x;
  return simple(activation == Activation::kRelu ? OpKind::kRelu : OpKind::kRelu6, x);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

std::string shown_id(std::string_view id) {
  constexpr std::size_t kMost = 120;
  return id.size() <= kMost ? std::string(id) : std::string(id.substr(0, kMost)) + "...";
}

std::vector<std::size_t> draw_operations(Rng& rng, std::size_t count, std::size_t convs,
                                         std::size_t all) {
  std::vector<std::size_t> drawn{static_cast<std::size_t>(rng.below(convs))};
  bool has_other = false;
  while (drawn.size() < count) {
    drawn.push_back(static_cast<std::size_t>(rng.below(has_other ? convs : all)));
    has_other |= drawn.back() >= convs;
  }
  rng.shuffle(drawn);
  return drawn;
}

}  // namespace autogo
