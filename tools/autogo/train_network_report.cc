// What `autogo train network` prints and writes.

#include <cmath>
#include <cstdio>
#include <limits>
#include <ostream>

#include "autogo/base/hash.h"
#include "autogo/cost/cost.h"
#include "autogo/graph/canonical.h"
#include "base/json.h"
#include "train_network.h"

namespace autogo {
namespace {

OrderedJson number(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson tests_json(const std::vector<TestMetric>& tests) {
  OrderedJson json = OrderedJson::object();
  for (const TestMetric& test : tests) {
    for (const auto& [name, value] : test.values) json[test.split][name] = number(value);
  }
  return json;
}

OrderedJson run_json(const TrainingResult& result, std::uint64_t seed) {
  OrderedJson json;
  json["seed"] = seed;
  json["finished"] = result.finished;
  if (!result.diverged.empty()) json["diverged"] = result.diverged;
  json["before"] = tests_json(result.before);
  json["epochs"] = OrderedJson::array();
  for (const EpochResult& epoch : result.epochs) {
    OrderedJson row;
    row["epoch"] = epoch.epoch;
    row["training_loss"] = number(epoch.training_loss);
    row["learning_rate"] = epoch.learning_rate;
    row["tests"] = tests_json(epoch.tests);
    row["seconds"] = epoch.seconds;
    row["wait_share"] = epoch.wait_share;
    json["epochs"].push_back(std::move(row));
  }
  json["seconds"] = result.seconds;
  json["seconds_per_step"] = result.seconds_per_step;
  json["training_images"] = result.training_images;
  json["skipped_images"] = result.skipped;
  return json;
}

OrderedJson network_json(const NetworkRuns& runs) {
  const GraphCost cost = graph_cost(runs.network.graph);
  OrderedJson json;
  json["model"] = runs.model;
  json["hash"] = hex64(canonical_hash(runs.network.graph));
  json["macs"] = cost.total.macs;
  json["params"] = cost.total.params;
  json["notes"] = runs.network.notes;
  json["summary"] = OrderedJson::array();
  for (const MetricSummary& s : summarise(runs)) {
    OrderedJson row;
    row["split"] = s.split;
    row["metric"] = s.metric;
    row["before"] = number(s.before);
    row["mean"] = number(s.mean);
    row["deviation"] = number(s.deviation);
    row["runs"] = s.runs;
    json["summary"].push_back(std::move(row));
  }
  json["runs"] = OrderedJson::array();
  for (std::size_t i = 0; i < runs.results.size(); ++i) {
    json["runs"].push_back(run_json(runs.results[i], runs.seeds[i]));
  }
  return json;
}

/// What all networks have in common.
OrderedJson setting_json(const NetworkArguments& a, const Data& data) {
  OrderedJson json;
  json["format"] = "autogo.training";
  json["version"] = 1;
  json["task"] = a.task;
  json["data"]["path"] = data.path;
  json["data"]["kind"] = data.kind;
  json["data"]["content_hash"] = hex64(data.content_hash);
  json["max_train_images"] = a.training.max_train_images;
  json["max_test_images"] = a.training.max_test_images;
  json["weights"] = a.weights;
  json["recipe"] = OrderedJson::parse(recipe_text(a.training.recipe));
  return json;
}

std::string metric_text(const TestMetric& test) {
  char text[64];
  std::snprintf(text, sizeof(text), "%s %.4f", test.values[0].first.c_str(), test.values[0].second);
  return test.split + " " + text;
}

}  // namespace

std::function<void(const TrainingProgress&)> training_observer(const std::string& who, Log& log,
                                                               Progress& bar) {
  return [who, &log, &bar, last = std::uint64_t{0}](const TrainingProgress& p) mutable {
    bar.add(p.step - last);
    last = p.step;
    if (p.finished == nullptr) return;
    char text[160];
    std::snprintf(text, sizeof(text), ": epoch %d of %d: loss %.4f", p.epoch, p.epochs,
                  p.finished->training_loss);
    std::string line = who + text;
    for (const TestMetric& test : p.finished->tests) line += ", " + metric_text(test);
    std::snprintf(text, sizeof(text), ", %.1f s, %.0f %% waiting for data, %.0f s left",
                  p.finished->seconds, 100 * p.finished->wait_share, p.seconds_left);
    log.info(line + text);
  };
}

std::vector<MetricSummary> summarise(const NetworkRuns& runs) {
  std::vector<MetricSummary> all;
  for (const TrainingResult& result : runs.results) {
    if (!result.finished || result.epochs.empty()) continue;
    std::size_t row = 0;
    for (const TestMetric& test : result.epochs.back().tests) {
      for (const auto& [name, value] : test.values) {
        if (row == all.size()) {
          all.push_back({test.split, name, std::numeric_limits<double>::quiet_NaN(), 0, 0, 0});
        }
        MetricSummary& s = all[row++];
        const double delta = value - s.mean;  // Welford's: `deviation` holds the squares for now
        ++s.runs;
        s.mean += delta / s.runs;
        s.deviation += delta * (value - s.mean);
      }
    }
  }
  for (MetricSummary& s : all) {
    s.deviation = s.runs > 1 ? std::sqrt(s.deviation / (s.runs - 1)) : 0;
    double sum = 0;
    int count = 0;
    for (const TrainingResult& result : runs.results) {
      for (const TestMetric& test : result.before) {
        for (const auto& [name, value] : test.values) {
          if (!result.finished || test.split != s.split || name != s.metric) continue;
          sum += value;
          ++count;
        }
      }
    }
    if (count > 0) s.before = sum / count;
  }
  return all;
}

std::string training_metadata(const NetworkArguments& arguments, const Data& data,
                              const NetworkRuns& runs) {
  OrderedJson json = setting_json(arguments, data);
  json["seed"] = runs.seeds.front();
  json["mean"] = runs.network.options.mean;
  json["deviation"] = runs.network.options.deviation;
  const TrainingResult& result = runs.results.front();
  if (!result.epochs.empty()) json["tests"] = tests_json(result.epochs.back().tests);
  return dump_json(json);
}

std::string training_json(const NetworkArguments& arguments, const Data& data,
                          const std::vector<NetworkRuns>& all) {
  OrderedJson json = setting_json(arguments, data);
  json["networks"] = OrderedJson::array();
  for (const NetworkRuns& runs : all) json["networks"].push_back(network_json(runs));
  return dump_json(json);
}

void print_training_table(std::ostream& out, const std::vector<NetworkRuns>& all) {
  char line[256];
  std::snprintf(line, sizeof(line), "%-24s %12s %12s %-10s %-14s %9s %9s %9s %5s\n", "network",
                "macs", "params", "test", "metric", "before", "mean", "+-", "seeds");
  out << line;
  for (const NetworkRuns& runs : all) {
    const GraphCost cost = graph_cost(runs.network.graph);
    const std::vector<MetricSummary> rows = summarise(runs);
    for (const MetricSummary& s : rows) {
      std::snprintf(line, sizeof(line), "%-24s %12lld %12lld %-10s %-14s %9.4f %9.4f %9.4f %5d\n",
                    runs.name.c_str(), static_cast<long long>(cost.total.macs),
                    static_cast<long long>(cost.total.params), s.split.c_str(), s.metric.c_str(),
                    s.before, s.mean, s.deviation, s.runs);
      out << line;
    }
    if (rows.empty()) out << runs.name << ": no training came to an end\n";
  }
}

}  // namespace autogo
