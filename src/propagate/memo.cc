// Remembered propagations.
//
// One segment meets the same gap again and again: parents share most of their layers, and the same
// segment is drawn for many cuts. The key is everything that an answer depends on: the segment, all
// of every port's type (element type, layout and batch included), the options. It is compared in
// full; a hash alone would one day stitch a wrong shape into a network.
//
// Sharded by hash, each shard with its own mutex, so that threads rarely meet. Two threads may
// compute one answer at once: both get the same. A full shard is emptied, which costs time and
// never changes an answer.
//
// Tested by tests/propagate/memo_test.cc.

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "autogo/base/rng.h"
#include "autogo/propagate/propagate.h"

namespace autogo {
namespace {

constexpr std::size_t kShards = 16;
constexpr std::size_t kMaxEntries = 16384;  // a shard

struct Key {
  std::uint64_t segment_id = 0;
  std::size_t num_inputs = 0;
  std::vector<TensorType> types;  // inputs, then outputs
  double max_channel_factor = 0;
  std::int32_t max_stride = 0;
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    std::uint64_t h = hash_combine(key.segment_id, key.num_inputs);
    for (const TensorType& type : key.types) {
      h = hash_combine(
          h, static_cast<std::uint64_t>(type.dtype) << 8 | static_cast<std::uint64_t>(type.layout));
      for (const std::int64_t d : type.shape.dims()) {
        h = hash_combine(h, static_cast<std::uint64_t>(d));
      }
    }
    h = hash_combine(h, hash_bytes(&key.max_channel_factor, sizeof(key.max_channel_factor)));
    return static_cast<std::size_t>(hash_combine(h, static_cast<std::uint64_t>(key.max_stride)));
  }
};

struct Shard {
  std::mutex mutex;
  std::unordered_map<Key, std::shared_ptr<const Propagation>, KeyHash> answers;  // by mutex
};

}  // namespace

struct PropagationMemo::Impl {
  std::array<Shard, kShards> shards;
  std::atomic<std::uint64_t> hits{0}, misses{0};
};

PropagationMemo::PropagationMemo() : impl_(std::make_unique<Impl>()) {}
PropagationMemo::~PropagationMemo() = default;

std::shared_ptr<const Propagation> PropagationMemo::propagate(std::uint64_t segment_id,
                                                              const Graph& body,
                                                              std::span<const TensorType> inputs,
                                                              std::span<const TensorType> outputs,
                                                              const PropagateOptions& options) {
  Key key{segment_id,
          inputs.size(),
          {inputs.begin(), inputs.end()},
          options.max_channel_factor,
          options.max_stride};
  key.types.insert(key.types.end(), outputs.begin(), outputs.end());
  // The high bits: the map inside the shard uses the low ones.
  Shard& shard = impl_->shards[(KeyHash{}(key) >> 32) % kShards];
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.answers.find(key);
    if (found != shard.answers.end()) {
      ++impl_->hits;
      return found->second;
    }
  }
  ++impl_->misses;
  // Shared: the memo may drop it while a caller still reads it.
  auto answer =
      std::make_shared<const Propagation>(autogo::propagate(body, inputs, outputs, options));
  const std::lock_guard lock(shard.mutex);
  if (shard.answers.size() >= kMaxEntries) shard.answers.clear();
  return shard.answers.try_emplace(std::move(key), std::move(answer)).first->second;
}

std::uint64_t PropagationMemo::hits() const { return impl_->hits; }
std::uint64_t PropagationMemo::misses() const { return impl_->misses; }

}  // namespace autogo
