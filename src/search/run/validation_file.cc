// "autogo.validation" version 1 (docs/formats.md), and its numbers in pareto.json.
//
// Tested by tests/search/validation_file_test.cc.

#include <cmath>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/search/run.h"
#include "base/json.h"

namespace autogo {
namespace {

constexpr const char* kFormat = "autogo.validation";
constexpr int kVersion = 1;

std::string file_of(const std::string& directory) { return directory + "/validation.json"; }

OrderedJson number(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

double number_of(const Json& json) {
  return json_as<double>(json).value_or(std::numeric_limits<double>::quiet_NaN());
}

OrderedJson score_json(const TrainedScore& score) {
  OrderedJson json;
  json["mean"] = number(score.mean());
  json["deviation"] = number(score.deviation());
  json["values"] = OrderedJson::array();
  for (const double value : score.values) json["values"].push_back(number(value));
  return json;
}

TrainedScore score_from(const Json& json, const std::string& where) {
  TrainedScore score;
  for (const Json& value : json_member<std::vector<Json>>(json, "values", where)) {
    score.values.push_back(number_of(value));
  }
  return score;
}

OrderedJson network_json(const Validation& validation, const ValidatedNetwork& network) {
  OrderedJson json;
  json["model"] = network.model;
  json["hash"] = hex64(network.hash);
  json["macs"] = network.macs;
  json["params"] = network.params;
  json["predicted_gain"] = network.predicted_gain;
  json["trained"] = score_json(network.trained);
  json["trained"]["gain"] = score_json(validation.gain(network));
  if (network.inherited) {
    json["inherited"]["survived"] = network.inherited->survived;
    json["inherited"]["before"] = score_json(network.inherited->before);
    json["inherited"]["after"] = score_json(network.inherited->after);
  }
  return json;
}

ValidatedNetwork network_from(const Json& row, const std::string& where) {
  ValidatedNetwork network;
  network.model = json_member<std::string>(row, "model", where);
  network.macs = json_member<std::int64_t>(row, "macs", where);
  network.params = json_member<std::int64_t>(row, "params", where);
  network.predicted_gain = json_member<double>(row, "predicted_gain", where);
  network.trained = score_from(json_member<Json>(row, "trained", where), where + ": trained");
  if (row.contains("inherited")) {
    const Json& heir = row["inherited"];
    const std::string at = where + ": inherited";
    network.inherited = {json_member<double>(heir, "survived", at),
                         score_from(json_member<Json>(heir, "before", at), at + ": before"),
                         score_from(json_member<Json>(heir, "after", at), at + ": after")};
  }
  return network;
}

/// Calls read(document, path); what is wrong with the file tells what to do about it.
template <typename Read>
auto from_file(const std::string& directory, const Read& read) {
  const std::string path = file_of(directory);
  try {
    const Json json = parse_json(read_file(path), path);
    require_format(json, path, kFormat, kVersion);
    return read(json, path);
  } catch (Error& e) {
    if (e.kind() == ErrorKind::kInput) e.with_hint("delete it, and repeat the validation");
    throw;
  }
}

/// pareto.json with its members. @throws Error kInput
OrderedJson read_pareto(const std::string& path) {
  OrderedJson pareto = parse_ordered_json(read_file(path), path);
  const auto has = [](const OrderedJson& json, const char* key, OrderedJson::value_t type) {
    return json.is_object() && json.contains(key) && json[key].type() == type;
  };
  bool good = has(pareto, "input", OrderedJson::value_t::object) &&
              has(pareto, "members", OrderedJson::value_t::array);
  if (good) {
    for (const OrderedJson& member : pareto["members"]) {
      good = good && has(member, "model", OrderedJson::value_t::string);
    }
  }
  AUTOGO_REQUIRE(good, ErrorKind::kInput, path + ": has no \"input\" and \"members\" of a search");
  return pareto;
}

}  // namespace

KnownTrainings read_known_trainings(const std::string& directory) {
  if (!path_exists(file_of(directory))) return {};
  return from_file(directory, [](const Json& json, const std::string& path) {
    KnownTrainings known;
    const Json trainings = json_member<Json>(json, "trainings", path);
    AUTOGO_REQUIRE(trainings.is_object(), ErrorKind::kInput,
                   path + ": \"trainings\" has the wrong type");
    for (const auto& [key, row] : trainings.items()) {
      const std::string where = path + ": training " + key;
      known.by_key[key] = {number_of(json_member<Json>(row, "before", where)),
                           number_of(json_member<Json>(row, "value", where)),
                           number_of(json_member<Json>(row, "survived", where))};
    }
    known.metric = json_member<std::string>(json_member<Json>(json, "setting", path), "metric",
                                            path + ": setting");
    return known;
  });
}

void write_validation(const std::string& directory, const std::string& setting,
                      const Validation& validation, const KnownTrainings& known) {
  OrderedJson json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["setting"] = parse_ordered_json(setting, "setting");
  json["networks"] = OrderedJson::array();
  for (const ValidatedNetwork& n : validation.networks) {
    json["networks"].push_back(network_json(validation, n));
  }
  json["trainings"] = OrderedJson::object();
  for (const auto& [key, training] : known.by_key) {
    json["trainings"][key] = {{"before", number(training.before)},
                              {"value", number(training.value)},
                              {"survived", training.survived}};
  }
  write_file_atomic(file_of(directory), json_text(json));
}

Validation read_validation(const std::string& directory) {
  return from_file(directory, [](const Json& json, const std::string& path) {
    Validation validation;
    const Json setting = json_member<Json>(json, "setting", path);
    const std::string where = path + ": setting";
    validation.split = json_member<std::string>(setting, "split", where);
    validation.metric = json_member<std::string>(setting, "metric", where);
    if (setting.contains("training_images")) {
      validation.training_images = json_member<double>(setting, "training_images", where);
    }
    for (const Json& row : json_member<std::vector<Json>>(json, "networks", path)) {
      validation.networks.push_back(
          network_from(row, path + ": network " + std::to_string(validation.networks.size())));
    }
    AUTOGO_REQUIRE(!validation.networks.empty(), ErrorKind::kInput, path + ": has no networks");
    return validation;
  });
}

void add_validation(const std::string& directory) {
  const std::string path = file_of(directory);
  if (!path_exists(path)) return;
  read_validation(directory);  // it is one
  const OrderedJson validation = parse_ordered_json(read_file(path), path);
  OrderedJson pareto = read_pareto(directory + "/pareto.json");
  pareto["validation"] = validation["setting"];
  for (OrderedJson& member : pareto["members"]) {
    for (const char* key : {"trained", "inherited"}) member.erase(key);
  }
  for (const OrderedJson& network : validation["networks"]) {
    const bool is_input = &network == &validation["networks"][0];
    for (const char* key : {"trained", "inherited"}) {
      if (!network.contains(key)) continue;
      if (is_input) pareto["input"][key] = network[key];
      for (OrderedJson& member : pareto["members"]) {
        if (!is_input && member["model"] == network["model"]) member[key] = network[key];
      }
    }
  }
  write_file_atomic(directory + "/pareto.json", json_text(pareto));
}

}  // namespace autogo
