// A worker for each core takes batches of inputs and runs each batch in a child that it forks. The
// child says in shared memory which input it is at and on which tick of its processor clock it
// began; the worker looks every few milliseconds whether that input has had its time or the process
// its memory, and ends it then. A child that dies, or says that it caught what it should not have,
// names its input; the next child goes on behind it.
//
// Processor time rather than time of day: a busy machine makes no findings. An input that sleeps
// forever is ended by a long limit of the latter.
//
// Memory is watched from outside because a sanitizer's own limit is enforced by a thread, which
// does not live on in a child. What one allocation may ask for is limited by RLIMIT_DATA without a
// sanitizer and by allocator options with one (main.cc).

#include "runner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

#include "autogo/base/error.h"
#include "autogo/base/file.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AUTOGO_SANITIZED 1
#else
#define AUTOGO_SANITIZED 0
#endif

namespace autogo::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBatch = 64;
constexpr double kLongestWall = 30;
constexpr int kCaught = 99;  ///< exit code of a child that caught what is a finding
constexpr std::size_t kMaxFindings = 200;
constexpr std::uint64_t kNone = ~std::uint64_t{0};

double clock_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double wall() { return clock_seconds(CLOCK_MONOTONIC); }

/// What a child tells its worker.
struct Progress {
  std::atomic<std::uint64_t> next;  ///< inputs of the batch that are done
  std::atomic<double> began;        ///< processor time at which the current one began
  std::atomic<double> slowest;
  std::atomic<std::uint64_t> slowest_at;
  char what[1024];
};

/// What all workers share.
struct Shared {
  std::atomic<std::uint64_t> batch, inputs, findings;
};

template <typename T>
T* share() {
  void* memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error(ErrorKind::kIo, "cannot share memory");
  return new (memory) T{};
}

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void say(Progress& progress, const std::string& what) {
  std::strncpy(progress.what, what.c_str(), sizeof(progress.what) - 1);
}

/// In the child: one input. @return false: a finding, said in progress.what
bool use_one(const Target& target, const std::string& input, const std::string& folder,
             Progress& progress) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  fs::create_directories(folder);
  const double before = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
  progress.began = before;
  try {
    target.use(input, folder);
  } catch (const std::exception& e) {
    say(progress, std::string("exception: ") + e.what());
    return false;
  } catch (...) {
    say(progress, "exception of an unknown type");
    return false;
  }
  const double took = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - before;
  if (took > progress.slowest) {
    progress.slowest = took;
    progress.slowest_at = progress.next.load();
  }
  return true;
}

/// How a child ended.
struct Ending {
  bool good = false;
  std::string what;
  std::uint64_t peak_bytes = 0;
};

using ChildWork = std::function<bool(Progress&)>;

[[noreturn]] void be_child(const ChildWork& work, Progress& progress, const Limits& limits,
                           const std::string& log) {
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file >= 0) {
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
  }
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (!AUTOGO_SANITIZED) {
    const rlimit data{limits.memory + (limits.memory >> 2), limits.memory + (limits.memory >> 2)};
    ::setrlimit(RLIMIT_DATA, &data);
  }
  const bool good = work(progress);
  ::_exit(good ? 0 : kCaught);
}

/// Runs `work` in a child and watches it.
Ending supervise(const ChildWork& work, Progress& progress, const Limits& limits,
                 const std::string& log) {
  Ending ending;
  const pid_t pid = ::fork();
  if (pid < 0) throw Error(ErrorKind::kIo, "cannot fork");
  if (pid == 0) be_child(work, progress, limits, log);
  clockid_t clock{};
  const bool clocked = ::clock_getcpuclockid(pid, &clock) == 0;
  std::uint64_t at = kNone;
  double since = wall();
  auto stop = [&](const char* why) {
    if (ending.what.empty()) ending.what = why;
    ::kill(pid, SIGKILL);
  };
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, WNOHANG, &usage) == 0) {
    const std::uint64_t now_at = progress.next;
    if (now_at != at) {
      at = now_at;
      since = wall();
    }
    const double used = clocked ? clock_seconds(clock) - progress.began : 0;
    if (used > limits.seconds && progress.next == at) stop("time limit");
    if (wall() - since > kLongestWall) stop("time limit (asleep)");
    const std::uint64_t resident = resident_bytes(pid);
    ending.peak_bytes = std::max(ending.peak_bytes, resident);
    if (resident > limits.memory) stop("memory limit");
    ::usleep(2000);
  }
  ending.peak_bytes =
      std::max(ending.peak_bytes, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
  if (ending.what.empty() && ending.peak_bytes > limits.memory) ending.what = "memory limit";
  ending.good = ending.what.empty() && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!ending.good && ending.what.empty()) {
    ending.what = progress.what;
    if (WIFSIGNALED(status)) ending.what = "signal " + std::to_string(WTERMSIG(status));
    if (ending.what.empty()) ending.what = "exit code " + std::to_string(WEXITSTATUS(status));
  }
  return ending;
}

class Worker {
 public:
  Worker(const std::vector<std::unique_ptr<Target>>& targets, const FuzzOptions& options,
         Shared& shared, int number, double deadline)
      : targets_(targets),
        options_(options),
        shared_(shared),
        deadline_(deadline),
        folder_(options.scratch + "/" + std::to_string(number)),
        progress_(share<Progress>()) {
    for (const auto& target : targets) weights_ += target->weight();
    fs::create_directories(folder_);
  }

  void run() {
    while (wall() < deadline_) {
      const std::uint64_t batch = shared_.batch++;
      if (options_.inputs > 0 && batch * kBatch >= options_.inputs) break;
      run_batch(batch);
    }
  }

  const FuzzSummary& summary() const { return summary_; }

 private:
  /// Batch b is that of a target, its n-th: rounds over the targets, each as often as its weight.
  std::pair<const Target*, std::uint64_t> place(std::uint64_t batch) const {
    std::uint64_t at = batch % weights_;
    for (const auto& target : targets_) {
      if (at < target->weight()) {
        return {target.get(), batch / weights_ * target->weight() + at};
      }
      at -= target->weight();
    }
    return {};
  }

  void run_batch(std::uint64_t batch) {
    const auto [target, number] = place(batch);
    const std::uint64_t first = number * kBatch;
    for (std::uint64_t done = 0; done < kBatch;) {
      progress_->next = done;
      progress_->began = 0;
      progress_->slowest = 0;
      progress_->what[0] = '\0';
      const ChildWork work = [&, target = target](Progress& progress) {
        for (std::uint64_t i = done; i < kBatch; ++i) {
          progress.began = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);  // before the number moves on
          progress.next = i;
          const std::string input = make_input(*target, options_.seed, first + i);
          if (!use_one(*target, input, folder_ + "/files", progress)) return false;
        }
        progress.next = kBatch;
        return true;
      };
      const Ending ending = supervise(work, *progress_, options_.limits, folder_ + "/log");
      const std::uint64_t reached = progress_->next;
      note(*target, first, reached, done, ending);
      done = ending.good ? kBatch : reached + 1;
    }
  }

  void note(const Target& target, std::uint64_t first, std::uint64_t reached, std::uint64_t done,
            const Ending& ending) {
    const std::uint64_t ran = reached - done + (ending.good ? 0 : 1);
    summary_.inputs += ran;
    shared_.inputs += ran;
    summary_.peak_bytes = std::max(summary_.peak_bytes, ending.peak_bytes);
    if (progress_->slowest > summary_.slowest_s) {
      summary_.slowest_s = progress_->slowest;
      summary_.slowest =
          target.name() + " " + std::to_string(first + progress_->slowest_at.load());
    }
    if (ending.good) return;
    Finding finding{target.name(), first + reached, ending.what, text_of(folder_ + "/log"), ""};
    if (!options_.out.empty() && shared_.findings++ < kMaxFindings) save(target, finding);
    summary_.findings.push_back(std::move(finding));
  }

  void save(const Target& target, Finding& finding) const {
    fs::create_directories(options_.out);
    finding.file = options_.out + "/" + finding.target + "-" + std::to_string(options_.seed) + "-" +
                   std::to_string(finding.index);
    std::ofstream(finding.file, std::ios::binary)
        << make_input(target, options_.seed, finding.index);
    std::ofstream(finding.file + ".log") << finding.what << "\n" << finding.log;
  }

  const std::vector<std::unique_ptr<Target>>& targets_;
  const FuzzOptions& options_;
  Shared& shared_;
  double deadline_;
  std::string folder_;
  Progress* progress_;
  std::uint64_t weights_ = 0;
  FuzzSummary summary_;
};

/// A worker's summary as text, so that it can come out of its process.
void write_summary(const FuzzSummary& s, const std::string& path) {
  std::string text = pack_file(std::to_string(s.inputs), "") +
                     pack_file(std::to_string(s.slowest_s), s.slowest) +
                     pack_file(std::to_string(s.peak_bytes), "");
  for (const Finding& f : s.findings) {
    text += pack_file(std::to_string(f.index), f.target) + pack_file("what", f.what) +
            pack_file("log", f.log) + pack_file("file", f.file);
  }
  std::ofstream(path, std::ios::binary) << text;
}

void add_summary(FuzzSummary& sum, const std::string& path) {
  const auto parts = split_files(text_of(path));
  if (parts.size() < 3) throw Error(ErrorKind::kInternal, "a worker of the fuzzer died");
  sum.inputs += std::stoull(parts[0].first);
  if (const double slowest = std::stod(parts[1].first); slowest > sum.slowest_s) {
    sum.slowest_s = slowest;
    sum.slowest = parts[1].second;
  }
  sum.peak_bytes = std::max<std::uint64_t>(sum.peak_bytes, std::stoull(parts[2].first));
  for (std::size_t i = 3; i + 4 <= parts.size(); i += 4) {
    sum.findings.push_back({parts[i].second, std::stoull(parts[i].first), parts[i + 1].second,
                            parts[i + 2].second, parts[i + 3].second});
  }
}

}  // namespace

std::string make_input(const Target& target, std::uint64_t seed, std::uint64_t index) {
  const std::string name = target.name();
  Rng rng = Rng(seed).fork(hash_bytes(name.data(), name.size())).fork(index);
  return target.make(rng);
}

std::optional<Finding> run_input(const Target& target, const std::string& input,
                                 const Limits& limits, const std::string& scratch) {
  fs::create_directories(scratch);
  Progress* progress = share<Progress>();
  const std::string log = scratch + "/log";
  const Ending ending = supervise(
      [&](Progress& p) { return use_one(target, input, scratch + "/files", p); }, *progress, limits,
      log);
  ::munmap(progress, sizeof(Progress));
  if (ending.good) return std::nullopt;
  return Finding{target.name(), 0, ending.what, text_of(log), ""};
}

FuzzSummary run_fuzzer(const std::vector<std::unique_ptr<Target>>& targets,
                       const FuzzOptions& options) {
  const double start = wall();
  const double deadline = options.seconds > 0 ? start + options.seconds : start + 1e9;
  Shared* shared = share<Shared>();
  std::vector<pid_t> workers;
  auto result = [&](int job) { return options.scratch + "/summary" + std::to_string(job); };
  for (int job = 0; job < options.jobs; ++job) {
    const pid_t pid = ::fork();
    if (pid < 0) throw Error(ErrorKind::kIo, "cannot fork");
    if (pid == 0) {
      Worker worker(targets, options, *shared, job, deadline);
      worker.run();
      write_summary(worker.summary(), result(job));
      ::_exit(0);
    }
    workers.push_back(pid);
  }
  for (const pid_t pid : workers) ::waitpid(pid, nullptr, 0);
  FuzzSummary sum;
  for (int job = 0; job < options.jobs; ++job) add_summary(sum, result(job));
  std::ranges::sort(sum.findings, {}, [](const Finding& f) { return std::pair(f.target, f.index); });
  sum.seconds = wall() - start;
  ::munmap(shared, sizeof(Shared));
  return sum;
}

}  // namespace autogo::fuzz
