#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace autogo {

/// Mixes 64 bits so that every input bit moves every output bit (the splitmix64 finaliser).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Order-dependent combination of two hashes.
constexpr std::uint64_t hash_combine(std::uint64_t a, std::uint64_t b) {
  return mix64(a ^ mix64(b + 0x632be59bd9b4e019ULL));
}

/// FNV-1a over bytes, mixed. Stable across platforms and versions: it goes into files.
std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed = 0);

/// Counter-based random stream. A stream is its key: `fork(work_item)` gives every work item its
/// own stream, whichever thread runs it, so results do not depend on `--jobs`. The distributions
/// are ours because those of the standard library differ between implementations.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : key_(mix64(seed)) {}

  /// An independent stream for a piece of work; does not advance this one.
  Rng fork(std::uint64_t work) const { return Rng(hash_combine(key_, work)); }

  std::uint64_t next() { return mix64(key_ + 0x9e3779b97f4a7c15ULL * ++counter_); }
  /// Uniform in [0, n); n > 0. Unbiased (Lemire's rejection).
  std::uint64_t below(std::uint64_t n);
  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Standard normal (Box-Muller, one value a call).
  double normal();

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  /// `count` distinct indices of [0, n) in random order; all of them when count >= n.
  std::vector<std::size_t> sample(std::size_t n, std::size_t count);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace autogo
