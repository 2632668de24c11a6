// Tested by tests/network/checkpoint_test.cc.

#include "checkpoint.h"

#include <cmath>
#include <limits>

#include "autogo/base/error.h"
#include "autogo/base/hash.h"

namespace autogo {
namespace {

constexpr TensorFileKind kCheckpointFile{"autogo.training-checkpoint", 2,
                                         "delete it to begin anew"};

// Numbers survive bit for bit: JSON prints doubles so that they read back the same, but for those
// that are not finite, which become null and read back as NaN.
Json to_json(const std::vector<TestMetric>& tests) {
  Json json = Json::array();
  for (const TestMetric& test : tests) {
    Json values = Json::array();
    for (const auto& [name, value] : test.values) values.push_back({name, value});
    json.push_back({{"split", test.split}, {"values", std::move(values)}});
  }
  return json;
}

std::vector<TestMetric> tests_from(const Json& json, const std::string& where) {
  std::vector<TestMetric> tests;
  for (const Json& row : json) {
    TestMetric test{json_member<std::string>(row, "split", where), {}};
    for (const Json& entry : json_member<std::vector<Json>>(row, "values", where)) {
      const bool pair = entry.is_array() && entry.size() == 2;
      const auto name = pair ? json_as<std::string>(entry[0]) : std::nullopt;
      AUTOGO_REQUIRE(name, ErrorKind::kInput, where + ": a value is not [name, number]");
      test.values.emplace_back(
          *name, json_as<double>(entry[1]).value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    tests.push_back(std::move(test));
  }
  return tests;
}

Json to_json(const EpochResult& epoch) {
  return {{"epoch", epoch.epoch},
          {"training_loss", epoch.training_loss},
          {"learning_rate", epoch.learning_rate},
          {"tests", to_json(epoch.tests)},
          {"seconds", epoch.seconds},
          {"wait_share", epoch.wait_share}};
}

EpochResult epoch_from(const Json& json, const std::string& where) {
  EpochResult epoch;
  epoch.epoch = json_member<int>(json, "epoch", where);
  epoch.training_loss = json_member<double>(json, "training_loss", where);
  epoch.learning_rate = json_member<double>(json, "learning_rate", where);
  epoch.tests = tests_from(json_member<std::vector<Json>>(json, "tests", where), where);
  epoch.seconds = json_member<double>(json, "seconds", where);
  epoch.wait_share = json_member<double>(json, "wait_share", where);
  return epoch;
}

/// Calls visit(key, field) for every number and text, so that writing and reading share one list.
template <typename State, typename Visit>
void visit_fields(State& state, const Visit& visit) {
  visit("epoch", state.epoch);
  visit("batch", state.batch);
  visit("loss_sum", state.loss_sum);
  visit("loss_steps", state.loss_steps);
  visit("epoch_skipped", state.epoch_skipped);
  visit("epoch_seconds", state.epoch_seconds);
  visit("wait_seconds", state.wait_seconds);
  visit("loss_scale", state.loss_scale);
  visit("good_steps", state.good_steps);
  visit("elapsed_seconds", state.elapsed_seconds);
  visit("learning_rate", state.learning_rate);
  visit("skipped", state.skipped);
  visit("first_problem", state.first_problem);
}

std::uint64_t hash_from(const Json& header, const char* key, const std::string& path) {
  return parse_hex64(json_member<std::string>(header, key, path), path + ": \"" + key + "\"");
}

Json to_json(const TrainingState& state) {
  Json json;
  visit_fields(state, [&](const char* key, const auto& field) { json[key] = field; });
  json["before"] = to_json(state.before);
  json["epochs"] = Json::array();
  for (const EpochResult& epoch : state.epochs) json["epochs"].push_back(to_json(epoch));
  return json;
}

TrainingState state_from(const Json& json, const std::string& where) {
  TrainingState state;
  visit_fields(state, [&](const char* key, auto& field) {
    field = json_member<std::remove_cvref_t<decltype(field)>>(json, key, where);
  });
  state.before = tests_from(json_member<std::vector<Json>>(json, "before", where), where);
  for (const Json& row : json_member<std::vector<Json>>(json, "epochs", where)) {
    state.epochs.push_back(epoch_from(row, where));
    AUTOGO_REQUIRE(static_cast<std::size_t>(state.epochs.back().epoch) == state.epochs.size(),
                   ErrorKind::kInput, where + ": its epochs are not in order");
  }
  AUTOGO_REQUIRE(state.epochs.size() == state.epoch, ErrorKind::kInput,
                 where + ": has the results of " + std::to_string(state.epochs.size()) +
                     " epochs and is in epoch " + std::to_string(state.epoch + 1));
  AUTOGO_REQUIRE(state.loss_scale >= 1, ErrorKind::kInput, where + ": \"loss_scale\" is below 1");
  return state;
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  TensorFile file;
  file.header["training_hash"] = hex64(checkpoint.training_hash);
  file.header["data_hash"] = hex64(checkpoint.data_hash);
  file.header["state"] = to_json(checkpoint.state);
  file.tensors = checkpoint.tensors;
  write_tensor_file(path, kCheckpointFile, file);
}

Checkpoint read_checkpoint(const std::string& path) {
  TensorFile file = read_tensor_file(path, kCheckpointFile);
  try {
    Checkpoint result;
    result.training_hash = hash_from(file.header, "training_hash", path);
    result.data_hash = hash_from(file.header, "data_hash", path);
    result.state = state_from(json_member<Json>(file.header, "state", path), path);
    result.tensors = std::move(file.tensors);
    return result;
  } catch (Error& e) {
    e.with_hint(kCheckpointFile.remedy);
    throw;
  }
}

}  // namespace autogo
