// A run that is stopped in whatever way, and resumed, ends with the bytes of one that was not. What
// stops it is counted in predictions and bytes, never in seconds, so that it does on any machine.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <set>
#include <thread>

#include "autogo/search/search.h"
#include "search/run/run_directory.h"
#include "search_support.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;
using testing::FakePredictor;
using testing::TemporaryFolder;

/// Does something when it is asked for the n-th time. A work item asks once, or not at all.
class CountingPredictor : public FakePredictor {
 public:
  CountingPredictor(int at, std::function<void()> act) : at_(at), act_(std::move(act)) {}
  std::unique_ptr<CutContext> prepare(const Graph& graph, const Cut& cut) const override {
    if (++count_ == at_) act_();
    return FakePredictor::prepare(graph, cut);
  }
  int count() const { return count_; }

 private:
  int at_;
  std::function<void()> act_;
  mutable std::atomic<int> count_{0};
};

/// A predictor that must not be asked.
class Mute : public FakePredictor {
 public:
  std::unique_ptr<CutContext> prepare(const Graph&, const Cut&) const override {
    throw Error(ErrorKind::kInternal, "the predictor was asked");
  }
};

class Resume : public ::testing::Test {
 protected:
  Resume() { search("whole", 1); }

  SearchConfig config(int jobs) const {
    SearchConfig config = testing::small_config(11);
    config.options.iterations = 4;
    config.options.jobs = jobs;
    return config;
  }
  /// Begins the run, or continues it where there is one.
  SearchResult search(const std::string& name, int jobs, SearchRun run = {},
                      const Predictor& predictor = FakePredictor()) const {
    run.directory = folder_ / name;
    run.resume = fs::exists(run.directory + "/config.json");
    return run_search(config(jobs), run, graph_, database_, predictor);
  }
  /// Does it in another process, with `prepare` done before. @return whether that came to its end
  /// and was not killed
  bool survives(const std::string& name, int jobs, const Predictor& predictor,
                const std::function<void()>& prepare = [] {}) const {
    const pid_t child = ::fork();
    if (child == 0) {
      int code = 1;
      try {
        prepare();
        search(name, jobs, {}, predictor);
        code = 0;
      } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
      }
      ::_exit(code);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    return WIFEXITED(status);
  }
  int predictions() const {
    const CountingPredictor counter(0, [] {});
    SearchRun nowhere;
    run_search(config(1), nowhere, graph_, database_, counter);
    return counter.count();
  }
  std::set<std::string> names_in(const std::string& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / folder)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  void expect_same_as_whole(const std::string& name) const {
    for (const char* file : {"/journal.jsonl", "/pareto.json", "/pareto.csv", "/config.json"}) {
      EXPECT_EQ(read_file(folder_ / "whole" + file), read_file(folder_ / name + file)) << file;
    }
    EXPECT_EQ(names_in("whole/models"), names_in(name + "/models"));
  }

  TemporaryFolder folder_;
  Graph graph_ = testing::residual_network();
  SegmentDatabase database_ = testing::small_database();
};

TEST_F(Resume, AfterAKillAtAnyWorkItem) {
  const int count = predictions();
  ASSERT_GT(count, 20);
  for (int at = 1; at <= count; at += 1 + count / 12) {
    SCOPED_TRACE("killed at prediction " + std::to_string(at));
    const std::string name = "killed" + std::to_string(at);
    const CountingPredictor killer(at, [] { ::kill(::getpid(), SIGKILL); });
    EXPECT_FALSE(survives(name, 1 + at % 2, killer));
    search(name, 1);
    expect_same_as_whole(name);
  }
}

TEST_F(Resume, AfterKillsAgainAndAgain) {
  int sessions = 0;
  while (!survives("killed", 1, CountingPredictor(6, [] { ::kill(::getpid(), SIGKILL); }))) {
    ASSERT_LT(++sessions, 1000);
  }
  EXPECT_GE(sessions, predictions() / 6);
  expect_same_as_whole("killed");
}

TEST_F(Resume, AfterAKillInTheMiddleOfAnyFile) {
  // The kernel ends a process that lets a file grow beyond a limit: at that byte of config.json, of
  // the journal, or of a larger file behind them.
  const auto size = [&](const char* file) { return fs::file_size(folder_ / "whole" + file); };
  const std::uintmax_t config = size("/config.json"), journal = size("/journal.jsonl");
  ASSERT_LT(config, journal);
  std::set<std::uintmax_t> limits = {0, 1, config / 2, config - 1, config, config + 1, journal - 1};
  for (int i = 1; i < 16; ++i) limits.insert(config + i * (journal - config) / 16);
  for (const std::uintmax_t limit : limits) {
    SCOPED_TRACE("files of " + std::to_string(limit) + " bytes");
    const std::string name = "limited" + std::to_string(limit);
    EXPECT_FALSE(survives(name, 1, FakePredictor(), [&] {
      const rlimit none{0, 0}, file{limit, limit};
      ::setrlimit(RLIMIT_CORE, &none);
      ::setrlimit(RLIMIT_FSIZE, &file);
    }));
    EXPECT_EQ(fs::exists(folder_ / name + "/config.json"), limit >= config);
    search(name, 2);
    expect_same_as_whole(name);
    EXPECT_EQ(names_in(name), names_in("whole")) << "nothing half-written stays";
  }
}

TEST_F(Resume, AfterAKillBetweenAnyTwoFiles) {
  // The files of a run in the order in which they appear; each prefix is what a kill leaves.
  const std::string unfinished = ".autogo-0123456789abcdef.tmp";
  const std::string files[] = {"",       unfinished,   "config.json", "journal.jsonl",
                               "models", "pareto.csv", "pareto.json"};
  for (std::size_t count = 0; count <= std::size(files); ++count) {
    SCOPED_TRACE(std::to_string(count) + " files");
    const std::string name = "prefix" + std::to_string(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string to = folder_ / name + "/" + files[i];
      if (files[i].empty()) {
        fs::create_directory(to);
      } else if (files[i] == unfinished) {
        write_file_atomic(to, "{\"format\":");
      } else {
        fs::remove(folder_ / name + "/" + unfinished);  // which became config.json
        fs::copy(folder_ / "whole/" + files[i], to, fs::copy_options::recursive);
      }
    }
    if (count == 4) write_file_atomic(folder_ / name + "/journal.jsonl", "");
    search(name, 1);
    expect_same_as_whole(name);
  }
}

TEST_F(Resume, AfterAnInterruptionTheFrontSoFarIsThere) {
  std::atomic<bool> stop{false};
  SearchRun run;
  run.directory = folder_ / "stopped";
  run.stop = &stop;
  run.on_iteration = [&](const IterationReport& report) { stop = report.iteration == 1; };
  const SearchResult result = run_search(config(2), run, graph_, database_, FakePredictor());
  EXPECT_EQ(result.status, SearchStatus::kInterrupted);
  EXPECT_EQ(result.iterations, 2U);
  EXPECT_FALSE(result.front.empty());
  for (const FrontMember& m : result.front) {
    EXPECT_TRUE(fs::exists(folder_ / "stopped/" + m.model));
  }
  EXPECT_EQ(search("stopped", 2).status, SearchStatus::kDone);
  expect_same_as_whole("stopped");
}

TEST_F(Resume, AfterAnInterruptionInTheMiddleOfAnIteration) {
  const int count = predictions();
  for (int at = 1; at <= count; at += 1 + count / 8) {
    SCOPED_TRACE("stopped at prediction " + std::to_string(at));
    const std::string name = "stopped" + std::to_string(at);
    std::atomic<bool> stop{false};
    SearchRun run;
    run.stop = &stop;
    const CountingPredictor stopper(at, [&] { stop = true; });
    EXPECT_EQ(search(name, 1 + at % 3, run, stopper).status, SearchStatus::kInterrupted);
    EXPECT_TRUE(fs::exists(folder_ / name + "/pareto.json"));
    EXPECT_EQ(search(name, 1).status, SearchStatus::kDone);
    expect_same_as_whole(name);
  }
}

TEST_F(Resume, AStopThatComesWhileTheJournalIsReadKeepsTheFront) {
  std::atomic<bool> stop{false};
  SearchRun run;
  run.stop = &stop;
  search("stopped", 1, run, CountingPredictor(predictions() / 2, [&] { stop = true; }));
  const std::string front = read_file(folder_ / "stopped/pareto.json");
  EXPECT_EQ(search("stopped", 1, run, Mute()).status, SearchStatus::kInterrupted);
  EXPECT_EQ(read_file(folder_ / "stopped/pareto.json"), front);
}

TEST_F(Resume, AfterATimeoutInTheMiddleOfAnIteration) {
  SearchRun run;
  run.timeout_s = 0.2;
  const CountingPredictor sleeper(
      predictions() / 2, [] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
  EXPECT_EQ(search("timed", 1, run, sleeper).status, SearchStatus::kTimeout);
  EXPECT_EQ(search("timed", 2).status, SearchStatus::kDone);
  expect_same_as_whole("timed");
}

TEST_F(Resume, AFinishedRunIsDone) {
  const std::string journal = read_file(folder_ / "whole/journal.jsonl");
  const SearchResult again = search("whole", 2);
  EXPECT_EQ(again.status, SearchStatus::kDone);
  EXPECT_EQ(read_file(folder_ / "whole/journal.jsonl"), journal);
}

TEST_F(Resume, CompleteIterationsAreNotComputedAgain) {
  EXPECT_EQ(search("whole", 1, {}, Mute()).iterations, 4U);
}

TEST_F(Resume, MoreIterationsGoOnWhereTheRunEnded) {
  SearchConfig shorter = config(1);
  shorter.options.iterations = 2;
  SearchRun run;
  run.directory = folder_ / "extended";
  const FakePredictor predictor;
  EXPECT_EQ(run_search(shorter, run, graph_, database_, predictor).iterations, 2U);
  run.resume = true;
  EXPECT_EQ(run_search(config(2), run, graph_, database_, predictor).iterations, 4U);
  expect_same_as_whole("extended");
  EXPECT_THROW(run_search(shorter, run, graph_, database_, predictor), Error);
}

TEST_F(Resume, AnyNumberOfAnOptionSurvivesIt) {
  SearchConfig config = this->config(1);
  config.options.min_gain = -std::numeric_limits<double>::infinity();
  config.options.iterations = 1;
  SearchRun run;
  run.directory = folder_ / "any";
  run_search(config, run, graph_, database_, FakePredictor());
  config = read_search_config(run.directory);
  EXPECT_EQ(config.options.min_gain, -std::numeric_limits<double>::infinity());
  config.options.iterations = 2;
  run.resume = true;
  EXPECT_EQ(run_search(config, run, graph_, database_, FakePredictor()).iterations, 2U);
}

TEST_F(Resume, AnotherModelIsRefused) {
  SearchRun run;
  run.directory = folder_ / "whole";
  run.resume = true;
  try {
    run_search(config(1), run, testing::concat_network(), database_, FakePredictor());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_EQ(std::string(e.what()).substr(0, (folder_ / "whole").size() + 47),
              (folder_ / "whole") + ": the input has changed since the run began (ha");
  }
}

TEST_F(Resume, ARunThatWorksIsLeftAlone) {
  std::vector<std::string> refusals;
  SearchRun run;
  run.directory = folder_ / "busy";
  run.on_iteration = [&](const IterationReport&) {
    for (const bool resume : {true, false}) {
      SearchRun other;
      other.directory = run.directory;
      other.resume = resume;
      try {
        run_search(config(1), other, graph_, database_, FakePredictor());
      } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::kUsage);
        refusals.emplace_back(e.what());
      }
    }
  };
  run_search(config(1), run, graph_, database_, FakePredictor());
  EXPECT_EQ(refusals, std::vector<std::string>(8, run.directory +
                                                      ": another autogo process works in this run "
                                                      "directory"));
  expect_same_as_whole("busy");
}

}  // namespace
}  // namespace autogo
