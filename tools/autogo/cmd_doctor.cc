// autogo doctor: tries every part of the installation, rather than looking whether it is there.

#include <array>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/parallel.h"
#include "autogo/base/paths.h"
#include "autogo/corpus/corpus.h"
#include "autogo/milp/milp.h"
#include "autogo/onnx/model.h"
#include "autogo/predict/predictor.h"
#include "autogo/segment/mine.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

struct Finding {
  std::string part;
  bool ok = false;
  std::string text;  ///< what is there, or what is wrong and what to do
};

Finding attempt(const std::string& part, const std::function<std::string()>& use) {
  try {
    return {part, true, use()};
  } catch (const Error& e) {
    return {part, false, std::string(e.what()) + (e.hint().empty() ? "" : "; " + e.hint())};
  }
}

/// One small network, for the miner.
class OneGraph : public GraphStream {
 public:
  std::string name() const override { return "doctor"; }
  void rewind() override { done_ = false; }
  std::function<Graph()> next() override {
    if (done_) return {};
    done_ = true;
    return [] { return nasbench201_graph("nb201:333s33"); };
  }

 private:
  bool done_ = false;
};

std::string use_database() {
  const std::string path = data_file("segments.json");
  const SegmentDatabase database = SegmentDatabase::load(path);
  return std::to_string(database.entries().size()) + " segments in " + path;
}

std::string use_predictor() {
  const std::string path = data_file("predictor.pt");
  return load_predictor(path)->kind() + " in " + path;
}

std::string use_sample_model() {
  const std::string path = data_file("models/mobilenet_v2.onnx");
  return std::to_string(import_onnx(path).num_nodes()) + " nodes in " + path;
}

std::string use_solver() {
  LinearModel model;  // the least whole x of at least 1.5
  model.add_column(0, 10, 1, true);
  model.set_coefficient(model.add_row(1.5, kUnbounded), 0, 1);
  const auto x = solve(model);
  AUTOGO_CHECK(x && std::abs(x->at(0) - 2) < 1e-6);
  return "CBC solves a model with integers";
}

std::string use_trainer() {
  OneGraph graph;
  const std::array<GraphStream*, 1> streams = {&graph};
  const MineResult result = mine_segments(streams, {});
  return std::to_string(result.database.entries().size()) + " segments mined through " +
         helper_program("autogo-spm");
}

}  // namespace

int run_doctor(Cli& cli) {
  cli.examples({"autogo doctor", "autogo doctor --json"});
  cli.parse();
  const std::vector<Finding> findings = {
      attempt("segment database", use_database),
      attempt("predictor", use_predictor),
      attempt("sample models", use_sample_model),
      attempt("segment trainer", use_trainer),
      attempt("shape solver", use_solver),
      {"cores", true, std::to_string(available_threads())},
  };
  bool ok = true;
  OrderedJson list = OrderedJson::array();
  for (const Finding& finding : findings) {
    ok = ok && finding.ok;
    if (cli.json()) {
      list.push_back({{"part", finding.part}, {"ok", finding.ok}, {"text", finding.text}});
    } else {
      cli.out() << (finding.ok ? "ok      " : "broken  ") << finding.part << ": " << finding.text
                << "\n";
    }
  }
  if (cli.json()) {
    const OrderedJson object = {{"version", AUTOGO_VERSION}, {"ok", ok}, {"parts", list}};
    cli.out() << dump_json(object) << "\n";
  }
  return ok ? 0 : 3;
}

}  // namespace autogo
