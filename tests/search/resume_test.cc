// A run that is stopped in whatever way, and resumed, ends with the bytes of one that was not.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "autogo/search/search.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::FakePredictor;
using testing::TemporaryFolder;

class Resume : public ::testing::Test {
 protected:
  SearchConfig config(int jobs) const {
    SearchConfig config = testing::small_config(11);
    config.options.iterations = 4;
    config.options.jobs = jobs;
    return config;
  }
  SearchResult search(const std::string& name, int jobs, const std::atomic<bool>* stop = nullptr,
                      double timeout_s = 0) {
    SearchRun run;
    run.directory = folder_ / name;
    run.resume = std::filesystem::exists(folder_ / name + "/config.json");
    run.stop = stop;
    run.timeout_s = timeout_s;
    return run_search(config(jobs), run, graph_, database_, predictor_);
  }
  void expect_same(const std::string& a, const std::string& b) {
    for (const char* file : {"/journal.jsonl", "/pareto.json", "/pareto.csv", "/config.json"}) {
      EXPECT_EQ(read_file(folder_ / a + file), read_file(folder_ / b + file)) << file;
    }
  }

  TemporaryFolder folder_;
  Graph graph_ = testing::residual_network();
  SegmentDatabase database_ = testing::small_database();
  FakePredictor predictor_;
};

TEST_F(Resume, AfterAKillAtAnyMoment) {
  const auto start = std::chrono::steady_clock::now();
  search("whole", 1);
  const std::chrono::duration<double, std::micro> whole_us =
      std::chrono::steady_clock::now() - start;
  int kills = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::string name = "killed" + std::to_string(seed);
    for (int session = 0; session < 200; ++session) {
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        int code = 1;
        try {
          search(name, 1 + static_cast<int>(rng.below(2)));
          code = 0;
        } catch (const std::exception& e) {
          std::fprintf(stderr, "%s\n", e.what());
        }
        ::_exit(code);
      }
      const double wait_us = rng.uniform() * 0.6 * whole_us.count() * (1 + 0.05 * session);
      std::this_thread::sleep_for(std::chrono::duration<double, std::micro>(wait_us));
      ::kill(child, SIGKILL);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      if (WIFEXITED(status)) {
        ASSERT_EQ(WEXITSTATUS(status), 0);
        break;
      }
      ++kills;
      // Killed before config.json: nothing was begun; -o would refuse the folder's lone journal.
      if (!std::filesystem::exists(folder_ / name + "/config.json")) {
        std::filesystem::remove_all(folder_ / name);
      }
    }
    expect_same("whole", name);
  }
  EXPECT_GT(kills, 3);
}

TEST_F(Resume, AfterAnInterruptionTheFrontSoFarIsThere) {
  search("whole", 1);
  std::atomic<bool> stop{false};
  SearchRun run;
  run.directory = folder_ / "stopped";
  run.stop = &stop;
  run.on_iteration = [&](const IterationReport& report) { stop = report.iteration == 1; };
  const SearchResult result = run_search(config(2), run, graph_, database_, predictor_);
  EXPECT_EQ(result.status, SearchStatus::kInterrupted);
  EXPECT_EQ(result.iterations, 2U);
  EXPECT_FALSE(result.front.empty());
  for (const FrontMember& m : result.front) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / "stopped/" + m.model));
  }
  EXPECT_EQ(search("stopped", 2).status, SearchStatus::kDone);
  expect_same("whole", "stopped");
}

TEST_F(Resume, AfterATimeoutInTheMiddleOfAnIteration) {
  search("whole", 1);
  int timeouts = 0;
  for (int session = 0; session < 10000; ++session) {
    if (search("timed", 1 + session % 2, nullptr, 0.01 + 0.002 * session).status ==
        SearchStatus::kDone) {
      break;
    }
    ++timeouts;
  }
  EXPECT_GT(timeouts, 0);
  expect_same("whole", "timed");
}

TEST_F(Resume, AFinishedRunIsDone) {
  search("whole", 1);
  const std::string journal = read_file(folder_ / "whole/journal.jsonl");
  const SearchResult again = search("whole", 2);
  EXPECT_EQ(again.status, SearchStatus::kDone);
  EXPECT_EQ(read_file(folder_ / "whole/journal.jsonl"), journal);
}

TEST_F(Resume, CompleteIterationsAreNotComputedAgain) {
  search("whole", 1);
  // A predictor that must not be asked.
  class Mute : public FakePredictor {
   public:
    std::unique_ptr<CutContext> prepare(const Graph&, const Cut&) const override {
      throw Error(ErrorKind::kInternal, "the predictor was asked");
    }
  };
  SearchRun run;
  run.directory = folder_ / "whole";
  run.resume = true;
  const SearchResult again = run_search(config(1), run, graph_, database_, Mute());
  EXPECT_EQ(again.iterations, 4U);
}

TEST_F(Resume, MoreIterationsGoOnWhereTheRunEnded) {
  search("whole", 1);
  SearchConfig shorter = config(1);
  shorter.options.iterations = 2;
  SearchRun run;
  run.directory = folder_ / "extended";
  EXPECT_EQ(run_search(shorter, run, graph_, database_, predictor_).iterations, 2U);
  run.resume = true;
  EXPECT_EQ(run_search(config(2), run, graph_, database_, predictor_).iterations, 4U);
  expect_same("whole", "extended");
  EXPECT_THROW(run_search(shorter, run, graph_, database_, predictor_), Error);
}

TEST_F(Resume, AnotherModelIsRefused) {
  search("whole", 1);
  SearchRun run;
  run.directory = folder_ / "whole";
  run.resume = true;
  try {
    run_search(config(1), run, testing::concat_network(), database_, predictor_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_EQ(std::string(e.what()).substr(0, (folder_ / "whole").size() + 47),
              (folder_ / "whole") + ": the input has changed since the run began (ha");
  }
}

}  // namespace
}  // namespace autogo
