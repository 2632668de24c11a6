// Every test case of a node that ONNX ships (Debian's python3-onnx, 922 of them) through what
// autogo does with a file: it is profiled, it comes back bit for bit, and its PyTorch file computes
// what ONNX Runtime computes. What is refused, and why, is in tests/golden/codegen/node_models.txt.
//
// All work is done in this process and in one each of ONNX Runtime and PyTorch.
#include <algorithm>
#include <iostream>

#include "autogo/cost/cost.h"
#include "codegen_support.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// ONNX's cases by what became of them.
class NodeModels {
 public:
  explicit NodeModels(const TempDir& folder) : folder_(folder) {}

  /// Why they cannot be had; empty when they are there.
  /// @param how  "fixed": with constants for all inputs but the first, where there are several
  std::string make(const std::string& how) {
    const CommandResult made =
        run_command(codegen_script("node_models.py") + " '" + folder_.path() + "' " + how);
    if (made.missing()) return made.text;
    EXPECT_EQ(made.code, 0) << made.text;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".onnx") names_.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names_);
    return "";
  }

  void take(const std::string& name) {
    const std::string file = folder_ / (name + ".onnx");
    std::string step = "profile";
    try {
      const Graph graph = import_onnx(file);
      graph_cost(graph);
      profiled_.push_back(name);
      step = "export to onnx";
      export_onnx(graph, back(name));
      step = "export to pytorch";
      export_pytorch(graph, folder_ / (name + ".py"));
      translated_.push_back(name);
    } catch (const Error& e) {
      refused(name, step, e);
    }
  }

  /// Whether ONNX Runtime is there. Cases without a record of inputs and those that it does not run
  /// are left out.
  bool judge_round_trips() {
    std::vector<std::string> pairs;
    for (const std::string& name : profiled_) {
      if (!std::filesystem::exists(folder_ / (name + ".onnx.in"))) continue;
      pairs.push_back(folder_ / (name + ".onnx"));
      pairs.push_back(back(name));
    }
    const OrtAnswer answer =
        ask_ort("compare", pairs, folder_ / "pairs", "AUTOGO_ORT_INPUTS=1 AUTOGO_ORT_RECORD=1");
    if (!answer.available) return false;
    std::istringstream lines(answer.text);
    std::size_t judged = 0;
    for (std::string line; std::getline(lines, line);) {
      const bool same = line.starts_with("ok ");
      if (!same && !line.starts_with("FAIL ")) continue;
      ++judged;
      same_ += same ? 1 : 0;
      EXPECT_TRUE(same || line.find("the original does not run") != line.npos) << line;
    }
    EXPECT_EQ(2 * judged, pairs.size()) << answer.text;
    return true;
  }

  /// On what ONNX Runtime gave; on what the case expects where that does not run it.
  void judge_translations() {
    std::ofstream list(folder_ / "list");
    std::size_t listed = 0;
    for (const std::string& name : translated_) {
      std::string record = folder_ / (name + ".onnx.io");
      if (!std::filesystem::exists(record)) record = folder_ / (name + ".onnx.in");
      if (!std::filesystem::exists(record)) continue;
      ++listed;
      list << folder_ / (name + ".py") << " " << record << " 1\n";
    }
    list.close();
    const CommandResult ran =
        run_command(codegen_script("compare.py") + " < '" + folder_ / "list" + "'");
    ASSERT_FALSE(ran.missing()) << ran.text;
    std::istringstream lines(ran.text);
    for (std::string line; std::getline(lines, line);) {
      equal_ += line.starts_with("ok ") ? 1 : 0;
      EXPECT_FALSE(line.starts_with("FAIL ")) << line;
    }
    EXPECT_EQ(equal_, listed) << ran.text.substr(0, 2000);
  }

  const std::vector<std::string>& names() const { return names_; }
  /// A line for each that is refused.
  const std::string& outcomes() const { return outcomes_; }
  std::string summary() const {
    return std::to_string(names_.size()) + "; profile " + std::to_string(profiled_.size()) +
           "; round trip " + std::to_string(same_) + "; PyTorch equal " + std::to_string(equal_) +
           ", refused " + std::to_string(profiled_.size() - translated_.size());
  }

 private:
  std::string back(const std::string& name) const { return folder_ / (name + ".back.model"); }

  void refused(const std::string& name, const std::string& step, const Error& e) {
    std::string text = e.what();
    EXPECT_TRUE(e.kind() == ErrorKind::kUnsupported || e.kind() == ErrorKind::kInput) << text;
    const bool named = text.find("node '") != text.npos || text.find("put '") != text.npos;
    EXPECT_TRUE(named || step == "profile") << text;
    EXPECT_NE(step, "export to onnx") << text;
    if (const std::string prefix = folder_.path() + "/"; text.starts_with(prefix)) {
      text = text.substr(prefix.size());
    }
    outcomes_ += name + " " + step + ": " + text + "\n";
  }

  const TempDir& folder_;
  std::vector<std::string> names_, profiled_, translated_;
  std::size_t same_ = 0, equal_ = 0;
  std::string outcomes_;
};

void judge(const std::string& how, const std::string& golden, const std::string& title) {
  const TempDir folder;
  NodeModels models(folder);
  if (const std::string missing = models.make(how); !missing.empty()) GTEST_SKIP() << missing;
  for (const std::string& name : models.names()) models.take(name);
  if (!models.judge_round_trips()) GTEST_SKIP() << "ONNX Runtime (npm) is not installed";
  models.judge_translations();
  testing::expect_golden(golden, models.outcomes());
  std::cout << title << ": " << models.summary() << "\n";
}

TEST(NodeModels, AreProfiledAndComeBackAndRunInPyTorchOrAreRefusedByName) {
  judge("", "codegen/node_models", "node models");
}

/// Weights, shapes, axes, bounds and indices as files have them.
TEST(NodeModels, AndWithConstantsForAllInputsButTheFirst) {
  judge("fixed", "codegen/node_models_fixed", "node models with constants");
}

}  // namespace
}  // namespace autogo
