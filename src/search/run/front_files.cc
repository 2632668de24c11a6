// What a run found: networks, with their lineage inside, and two lists of them. pareto.csv names the
// measures that everybody asks for, and those that the run was asked for besides; pareto.json has
// all.
//
// Tested by tests/search/search_test.cc, tests/search/constraints_test.cc.

#include "front_files.h"

#include <algorithm>
#include <cmath>

#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/base/parallel.h"
#include "autogo/base/rng.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/file_nodes.h"
#include "autogo/onnx/model.h"
#include "graph/graph_json.h"
#include "json_fields.h"
#include "options.h"

namespace autogo {
namespace {

std::int64_t count_of(const FoundFront& front, const Individual& individual, const char* measure) {
  return static_cast<std::int64_t>(individual.costs[front.models.place(measure, "pareto.json")]);
}

/// Mutations from the input to this network, replayable: with the bodies.
OrderedJson lineage_json(const FoundFront& front, std::uint32_t individual) {
  const History& history = front.history;
  OrderedJson steps = OrderedJson::array();
  Graph graph = history.graph(0);
  for (const std::uint32_t i : history.lineage(individual)) {
    const Individual& child = history[i];
    const std::vector<NodeId> order = canonical_order(graph, NodeIdentity::kSegment);
    OrderedJson removed = OrderedJson::array();
    for (std::uint32_t n = child.step.begin; n < child.step.end; ++n) {
      for (std::string& name : names_behind(graph, order[n])) removed.push_back(std::move(name));
    }
    OrderedJson step;
    step["iteration"] = child.iteration;
    step["parent"] = hex64(history[child.parent].hash);
    step["child"] = hex64(child.hash);
    step["removed"] = std::move(removed);
    step["cut"] = {child.step.begin, child.step.end};
    step["segment"] = hex64(child.step.segment);
    step["inputs"] = child.step.inputs;
    step["outputs"] = child.step.outputs;
    step["body"] = graph_to_json(*child.step.body);
    step["macs"] = count_of(front, child, "macs");
    step["params"] = count_of(front, child, "params");
    step["predicted_gain"] = child.gain;
    steps.push_back(std::move(step));
    graph = apply(child.step, graph, Uses(graph), order);
  }
  return steps;
}

/// The three counts that other programs read, then all measures by name.
void add_measures(const Measures& measures, OrderedJson& json) {
  for (const char* name : {"macs", "flops", "params"}) json[name] = measures.count(name);
  for (const auto& [name, value] : measures) json["measures"][name] = measure_to_json(value);
}

std::string csv_of(const FoundFront& front, const std::vector<Measures>& measures,
                   const Measures& input) {
  auto number = [](double value) { return measure_to_json(value).dump(); };  // no locale
  auto change = [&](double now, double then) {
    if (then == 0) return std::string("0");
    return Json(std::round(1e4 * change_percent(now, then)) / 1e4).dump();
  };
  std::vector<std::string> others;
  for (const std::string& name : front.named) {
    if (name != "macs" && name != "flops" && name != "params") others.push_back(name);
  }
  std::string csv =
      "model,rank,macs,flops,params,macs_change_percent,params_change_percent,predicted_gain,"
      "iteration";
  for (const std::string& name : others) csv += "," + name + "," + name + "_change_percent";
  csv += '\n';
  for (std::size_t k = 0; k < front.members.size(); ++k) {
    const Individual& m = front.history[front.members[k].individual];
    csv += model_name(m.hash) + ',' + std::to_string(front.members[k].rank);
    for (const char* name : {"macs", "flops", "params"}) csv += ',' + number(measures[k].at(name));
    for (const char* name : {"macs", "params"}) {
      csv += ',' + change(measures[k].at(name), input.at(name));
    }
    csv += ',' + Json(m.gain).dump() + ',' + std::to_string(m.iteration);
    for (const std::string& name : others) {
      const double value = measures[k].at(name);
      csv += ',' + number(value) + ',' + change(value, input.at(name));
    }
    csv += '\n';
  }
  return csv;
}

OrderedJson head_json(const SearchConfig& config, const FoundFront& front, const Measures& input,
                      const Knowledge& knowledge) {
  OrderedJson pareto;
  pareto["format"] = "autogo.pareto";
  pareto["version"] = 1;
  pareto["objective"] = config.options.objective;
  if (!config.options.constraints.empty()) pareto["constraints"] = config.options.constraints;
  pareto["seed"] = config.options.seed;
  pareto["input"]["hash"] = hex64(front.history[0].hash);
  add_measures(input, pareto["input"]);
  pareto["gain_error"] = knowledge.gain_error;
  pareto["trust"] = knowledge.trust;
  const std::string note = GainPromise{knowledge, config.options.risk}.note();
  if (!note.empty()) pareto["note"] = note;
  return pareto;
}

ExportOptions export_options(const SearchConfig& config, const InputHashes& hashes,
                             const Individual& member, const OrderedJson& lineage) {
  ExportOptions options;
  options.seed = hash_combine(config.options.seed, member.hash);
  options.new_weights = config.options.new_weights == ExportWeights::kConstant
                            ? NewWeights::kConstantOfShape
                            : NewWeights::kRandom;
  options.metadata = {{"autogo.lineage", dump_json(lineage)},
                      {"autogo.input", hex64(hashes.input)},
                      {"autogo.segments", hex64(hashes.segments)},
                      {"autogo.predictor", hex64(hashes.predictor)},
                      {"autogo.seed", std::to_string(config.options.seed)},
                      {"autogo.predicted_gain", Json(member.gain).dump()}};
  return options;
}

}  // namespace

void write_front(const std::string& directory, const SearchConfig& config,
                 const InputHashes& hashes, const FoundFront& front, const Knowledge& knowledge) {
  make_folder(directory + "/models");
  const History& history = front.history;
  const std::vector<RunMember>& members = front.members;
  const Measures input = front.measures(0, history.graph(0));
  OrderedJson pareto = head_json(config, front, input, knowledge);
  pareto["members"] = OrderedJson::array();
  std::vector<std::string> names;
  names.reserve(members.size());
  std::vector<OrderedJson> entries(members.size());
  std::vector<Measures> measures(members.size());
  for (const RunMember& m : members) names.push_back(model_name(history[m.individual].hash));
  parallel_for(members.size(), front.jobs, [&](std::size_t k) {
    const std::uint32_t i = members[k].individual;
    const Individual& member = history[i];
    const Graph graph = history.graph(i);
    measures[k] = front.measures(i, graph);
    OrderedJson& entry = entries[k];
    entry["model"] = names[k];
    entry["rank"] = members[k].rank;
    add_measures(measures[k], entry);
    entry["predicted_gain"] = member.gain;
    entry["iteration"] = member.iteration;
    entry["lineage"] = lineage_json(front, i);
    const std::string path = directory + "/" + names[k];
    if (path_exists(path)) return;  // named by content, written whole
    export_onnx(graph, path, export_options(config, hashes, member, entry["lineage"]));
  });
  for (OrderedJson& entry : entries) pareto["members"].push_back(std::move(entry));
  write_file_atomic(directory + "/pareto.csv", csv_of(front, measures, input));
  write_file_atomic(directory + "/pareto.json", json_text(pareto));
  remove_models(directory + "/models", names);
}

}  // namespace autogo
