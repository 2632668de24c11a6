// Batches made beside the training.
//
// A ring of threads + 2 slots. A maker takes the number of the next batch, builds it alone and puts
// it into slot number % size; the taker waits for its number. So batches come out in order, memory
// is bounded, and nothing about a batch depends on who made it: its samples are a slice of the
// epoch's shuffled list and each sample's stream is keyed by (epoch, place in the list's source).
// An exception travels in the slot and is thrown to the taker when its turn comes.
//
// Tested by tests/data/loader_test.cc.

#include "autogo/data/loader.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "augment.h"
#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {
namespace {

constexpr std::uint64_t kOrderStream = 1, kVaryStream = 2;

}  // namespace

struct Loader::Impl {
  struct Slot {
    bool full = false;
    Batch batch;
    std::exception_ptr error;
  };

  Impl(const Dataset& s, const BatchSpec& b, const LoaderOptions& o)
      : set(s), spec(b), options(o), table(spec), chosen(choose_samples(s, o.max_samples)) {}
  ~Impl() { stop(); }

  std::uint64_t items() const { return chosen.size() * (spec.training ? options.repeat : 1); }
  std::uint64_t batches() const {
    const auto size = static_cast<std::uint64_t>(options.batch_size);
    if (spec.training && items() >= size) return items() / size;
    return (items() + size - 1) / size;
  }
  Batch make(std::uint64_t number) const;
  void begin(std::uint64_t which, std::uint64_t first);
  void stop();
  void work();
  Batch wait_for_next();

  const Dataset& set;
  const BatchSpec spec;
  const LoaderOptions options;
  const PixelTable table;
  const std::vector<std::size_t> chosen;
  std::vector<std::uint64_t> order;  ///< of the epoch: item = repetition * chosen + place
  std::uint64_t epoch = 0;

  std::mutex mutex;  // guards what follows
  std::condition_variable filled, emptied;
  std::vector<Slot> ring;
  std::uint64_t next_made = 0, next_taken = 0;
  bool stopping = false;
  std::vector<std::thread> makers;
};

Batch Loader::Impl::make(std::uint64_t number) const {
  BatchBuilder builder(spec, table);
  const auto size = static_cast<std::uint64_t>(options.batch_size);
  const std::uint64_t end = std::min<std::uint64_t>((number + 1) * size, order.size());
  for (std::uint64_t i = number * size; i < end; ++i) {
    const std::size_t index = chosen[order[i] % chosen.size()];
    const LoadedSample loaded = set.load(index);
    if (!loaded.sample) {
      builder.skip(loaded.problem);
      continue;
    }
    const Rng rng = spec.training ? Rng(options.seed).fork(kVaryStream).fork(epoch).fork(order[i])
                                  : Rng(spec.noise_seed).fork(kVaryStream).fork(index);
    try {
      builder.add(*loaded.sample, index, rng);
    } catch (Error& e) {
      e.prepend(set.name(index));
      throw;
    }
  }
  return builder.take();
}

void Loader::Impl::begin(std::uint64_t which, std::uint64_t first) {
  stop();
  epoch = which;
  order.resize(items());
  for (std::uint64_t i = 0; i < order.size(); ++i) order[i] = i;
  if (spec.training) {
    Rng rng = Rng(options.seed).fork(kOrderStream).fork(epoch);
    rng.shuffle(order);
  }
  next_made = next_taken = first;
  stopping = false;
  ring.assign(static_cast<std::size_t>(std::max(options.threads, 0)) + 2, {});
  for (int i = 0; i < options.threads; ++i) makers.emplace_back([this] { work(); });
}

void Loader::Impl::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  emptied.notify_all();
  for (std::thread& maker : makers) maker.join();
  makers.clear();
}

void Loader::Impl::work() {
  for (;;) {
    std::uint64_t number = 0;
    {
      std::unique_lock<std::mutex> lock(mutex);
      emptied.wait(lock, [&] { return stopping || next_made < next_taken + ring.size(); });
      if (stopping || next_made >= batches()) return;
      number = next_made++;
    }
    Slot made;
    made.full = true;
    try {
      made.batch = make(number);
    } catch (...) {
      made.error = std::current_exception();  // thrown to the taker
    }
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ring[number % ring.size()] = std::move(made);
    }
    filled.notify_one();
  }
}

Batch Loader::Impl::wait_for_next() {
  if (makers.empty()) return make(next_taken++);
  Slot taken;
  {
    std::unique_lock<std::mutex> lock(mutex);
    Slot& slot = ring[next_taken % ring.size()];
    filled.wait(lock, [&] { return slot.full; });
    taken = std::exchange(slot, {});
    ++next_taken;
  }
  emptied.notify_all();
  if (taken.error) std::rethrow_exception(taken.error);
  return std::move(taken.batch);
}

Loader::Loader(const Dataset& set, const BatchSpec& spec, const LoaderOptions& options) {
  AUTOGO_CHECK(options.batch_size > 0 && options.repeat > 0 && set.size() > 0);
  impl_ = std::make_unique<Impl>(set, spec, options);
}
Loader::~Loader() = default;

std::uint64_t Loader::batches() const { return impl_->batches(); }
std::size_t Loader::samples() const { return impl_->chosen.size(); }
void Loader::start(std::uint64_t epoch, std::uint64_t first_batch) {
  impl_->begin(epoch, first_batch);
}

std::optional<Batch> Loader::next() {
  if (impl_->next_taken >= impl_->batches()) return std::nullopt;
  return impl_->wait_for_next();
}

std::vector<std::size_t> choose_samples(const Dataset& set, std::size_t max) {
  const std::size_t n = set.size();
  std::vector<std::size_t> all(n);
  for (std::size_t i = 0; i < n; ++i) all[i] = i;
  if (max == 0 || max >= n) return all;
  std::int64_t classes = 0;
  for (const std::size_t i : all) classes = std::max(classes, set.label(i) + 1);
  Rng rng(0);
  rng.shuffle(all);
  std::vector<std::size_t> counts(static_cast<std::size_t>(std::max<std::int64_t>(classes, 1)), 0);
  const std::size_t quota = (max + counts.size() - 1) / counts.size();
  std::vector<std::size_t> chosen, rest;
  for (const std::size_t i : all) {
    std::size_t& count = counts[static_cast<std::size_t>(std::max<std::int64_t>(set.label(i), 0))];
    if (chosen.size() < max && count < quota) {
      ++count;
      chosen.push_back(i);
    } else {
      rest.push_back(i);  // fills up where a class has fewer than its quota
    }
  }
  for (const std::size_t i : rest) {
    if (chosen.size() == max) break;
    chosen.push_back(i);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

ChannelStatistics channel_statistics(const Dataset& set, std::int64_t channels) {
  BatchSpec spec;
  spec.channels = channels;
  const auto c = static_cast<std::size_t>(channels);
  std::vector<double> sum(c, 0), squares(c, 0);
  double pixels = 0;
  const PixelTable table(spec);
  for (const std::size_t i : choose_samples(set, 5000)) {
    const LoadedSample loaded = set.load(i);
    if (!loaded.sample) continue;
    std::vector<float> planes;
    table.append(loaded.sample->image, planes);
    const std::size_t size = planes.size() / c;
    for (std::size_t k = 0; k < c; ++k) {
      for (std::size_t p = 0; p < size; ++p) {
        const double value = planes[k * size + p];
        sum[k] += value;
        squares[k] += value * value;
      }
    }
    pixels += static_cast<double>(size);
  }
  ChannelStatistics result;
  for (std::size_t k = 0; k < c && pixels > 0; ++k) {
    const double mean = sum[k] / pixels;
    result.mean.push_back(static_cast<float>(mean));
    result.deviation.push_back(
        static_cast<float>(std::sqrt(std::max(squares[k] / pixels - mean * mean, 1e-12))));
  }
  AUTOGO_REQUIRE(pixels > 0, ErrorKind::kInput, "every training image is damaged");
  return result;
}

}  // namespace autogo
