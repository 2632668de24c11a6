#include "autogo/base/hash.h"

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {

ByteHash::ByteHash(std::uint64_t seed) : state_(0xcbf29ce484222325ULL ^ mix64(seed)) {}

void ByteHash::add(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t state = state_;  // in a register: `bytes` might lie in this object
  for (std::size_t i = 0; i < size; ++i) state = (state ^ bytes[i]) * 0x100000001b3ULL;
  state_ = state;
}

std::uint64_t ByteHash::value() const { return mix64(state_); }

std::string hex64(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

std::uint64_t parse_hex64(const std::string& text, const std::string& where) {
  std::uint64_t value = 0;
  bool good = text.size() == 16;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    good = good && (digit || (c >= 'a' && c <= 'f'));
    value = value << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  AUTOGO_REQUIRE(good, ErrorKind::kInput, where + ": expected 16 hexadecimal digits");
  return value;
}

}  // namespace autogo
