#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace autogo {

/// hash_bytes() (base/rng.h) of bytes that come in pieces.
class ByteHash {
 public:
  explicit ByteHash(std::uint64_t seed = 0);
  void add(const void* data, std::size_t size);
  void add(std::string_view bytes) { add(bytes.data(), bytes.size()); }
  std::uint64_t value() const;

 private:
  std::uint64_t state_;
};

/// A hash as files have it: 16 hexadecimal digits, since JSON numbers are not exact beyond 2^53.
std::string hex64(std::uint64_t value);
/// @throws Error kInput "<where>: expected 16 hexadecimal digits"
std::uint64_t parse_hex64(const std::string& text, const std::string& where);

}  // namespace autogo
