#include "options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autogo/base/error.h"
#include "autogo/base/spelling.h"
#include "autogo/graph/creatable.h"
#include "json_fields.h"
#include "search/constraints.h"
#include "versions.h"

namespace autogo {
namespace {

constexpr int kVersion = 2;  // of config.json

constexpr const char* kMutationNames[] = {"segment", "operator"};
constexpr const char* kWeightNames[] = {"auto", "random", "constant"};

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

void require_between(double value, double low, double high, const std::string& option) {
  AUTOGO_REQUIRE(value >= low && value <= high, ErrorKind::kUsage,
                 option + " " + number_text(value) + ": expected a number from " +
                     number_text(low) + " to " + number_text(high));
}

OpKind named_op(const std::string& name, const std::string& option) {
  const auto op = op_from_name(name);
  if (op && op_info(*op).shape_class != ShapeClass::kPort) return *op;
  std::vector<std::string> names;
  for (const OpInfo& row : op_table()) {
    if (row.shape_class != ShapeClass::kPort) names.emplace_back(row.name);
  }
  throw Error(ErrorKind::kUsage, option + " '" + name + "': no such operator; did you mean '" +
                                     closest_names(name, names, 1).front() + "'?")
      .with_hint("`autogo ops` lists them");
}

OpSet insertable_ops() {
  OpSet ops;
  for (const OpInfo& row : op_table()) {
    if (row.insertable) ops.insert(row.kind);
  }
  return ops;
}

template <std::size_t N>
int index_of(const char* const (&names)[N], const std::string& name, const std::string& where) {
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int>(i);
  }
  throw Error(ErrorKind::kInput, where + ": unknown value \"" + name + "\"");
}

void check_options(const SearchOptions& o) {
  objectives_of(o);
  for (const std::string& text : o.constraints) parse_constraint(text);
  require_between(o.iterations, 1, 1e6, "--iterations");
  require_between(o.parents, 1, 1e6, "--parents");
  require_between(o.sources, 1, 1e6, "--sources");
  require_between(o.replacements, 1, 1e6, "--replacements");
  require_between(o.max_segments, 1, 64, "--max-segments");
  require_between(o.members, 1, 1000, "--members");
  require_between(o.sparsity, 0, 1, "--sparsity");
  require_between(o.jobs, 0, 4096, "--jobs");
  require_between(o.max_flops_decrease, 0, 100, "--max-flops-decrease");
  AUTOGO_REQUIRE(!std::isnan(o.max_flops_increase), ErrorKind::kUsage,
                 "--max-flops-increase: expected a number of percent");
  AUTOGO_REQUIRE(!std::isnan(o.min_gain), ErrorKind::kUsage, "--min-gain: expected a number");
  require_between(o.risk, 0, 100, "--risk");
  AUTOGO_REQUIRE(std::isfinite(o.training_images) && o.training_images >= 0, ErrorKind::kUsage,
                 "--training-images: expected a number, 0 or more");
  AUTOGO_REQUIRE(o.max_flops_increase > -o.max_flops_decrease, ErrorKind::kUsage,
                 "the FLOPs window is empty: changes must lie above -" +
                     number_text(o.max_flops_decrease) + " % (--max-flops-decrease) and below " +
                     number_text(o.max_flops_increase) +
                     " % (--max-flops-increase); raise one of them");
}

SearchOptions options_from_json(const Json& json, const std::string& where) {
  SearchOptions o;
  auto read = [&](const char* key, auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_floating_point_v<Field>) {
      field = json_real(json, key, where);
    } else {
      field = json_member<Field>(json, key, where);
    }
  };
  read("objective", o.objective);
  if (json.contains("constraints")) read("constraints", o.constraints);
  read("iterations", o.iterations);
  read("parents", o.parents);
  read("sources", o.sources);
  read("replacements", o.replacements);
  read("max_segments", o.max_segments);
  read("members", o.members);
  read("sparsity", o.sparsity);
  read("max_flops_increase_percent", o.max_flops_increase);
  read("max_flops_decrease_percent", o.max_flops_decrease);
  read("min_gain", o.min_gain);
  if (json.contains("risk")) read("risk", o.risk);
  read("allow_ops", o.allow_ops);
  read("deny_ops", o.deny_ops);
  read("freeze", o.freeze);
  if (json.contains("training_images")) read("training_images", o.training_images);
  read("seed", o.seed);
  std::string name;
  read("mutation", name);
  o.mutation = static_cast<MutationUnit>(index_of(kMutationNames, name, where));
  read("new_weights", name);
  o.new_weights = static_cast<ExportWeights>(index_of(kWeightNames, name, where));
  try {
    check_options(o);
  } catch (const Error& e) {  // the file is to blame, not the command line
    throw Error(ErrorKind::kInput, where + ": " + e.what());
  }
  return o;
}

}  // namespace

void validate(const SearchOptions& options, const CostModels& models) {
  check_options(options);
  asked_models(options, models);
}

OpSet allowed_ops(const SearchOptions& options, const Graph& input) {
  OpSet ops;
  for (std::uint32_t n = 0; n < input.num_nodes(); ++n) {
    if (is_creatable(input, NodeId{n})) ops.insert(input.node(NodeId{n}).op);
  }
  for (const std::string& name : options.allow_ops) {
    if (name == "all") {
      ops |= insertable_ops();
      continue;
    }
    const OpKind op = named_op(name, "--allow-ops");
    AUTOGO_REQUIRE(op_info(op).insertable, ErrorKind::kUsage,
                   "--allow-ops '" + name + "': autogo cannot create this operator anew");
    ops.insert(op);
  }
  ops &= insertable_ops();
  for (const std::string& name : options.deny_ops) ops.erase(named_op(name, "--deny-ops"));
  return ops;
}

std::string percent_text(double percent) {
  char text[48];
  std::snprintf(text, sizeof(text), "%+.1f %%", percent);
  return text;
}

double change_percent(double value, double input) { return 100 * (value - input) / input; }

OrderedJson config_to_json(const SearchConfig& config) {
  const SearchOptions& o = config.options;
  OrderedJson json;
  json["format"] = "autogo.search";
  json["version"] = kVersion;
  json["model"] = config.model;
  json["segments"] = config.segments;
  json["predictor"] = config.predictor;
  json["input_shapes"] = config.input_shapes;
  OrderedJson& options = json["options"];
  options["objective"] = o.objective;
  if (!o.constraints.empty()) options["constraints"] = o.constraints;
  options["iterations"] = o.iterations;
  options["parents"] = o.parents;
  options["sources"] = o.sources;
  options["replacements"] = o.replacements;
  options["max_segments"] = o.max_segments;
  options["members"] = o.members;
  options["sparsity"] = o.sparsity;
  options["mutation"] = kMutationNames[static_cast<int>(o.mutation)];
  options["max_flops_increase_percent"] = real_to_json(o.max_flops_increase);
  options["max_flops_decrease_percent"] = o.max_flops_decrease;
  options["min_gain"] = real_to_json(o.min_gain);
  options["risk"] = o.risk;
  options["allow_ops"] = o.allow_ops;
  options["deny_ops"] = o.deny_ops;
  options["freeze"] = o.freeze;
  if (o.training_images > 0) options["training_images"] = o.training_images;
  options["new_weights"] = kWeightNames[static_cast<int>(o.new_weights)];
  options["seed"] = o.seed;
  return json;
}

OrderedJson algorithms_to_json() {
  OrderedJson json;
  for (const AlgorithmVersion& row : kAlgorithms) json[row.name] = row.version;
  return json;
}

SearchConfig config_from_json(const Json& json, const std::string& where) {
  try {
    require_format(json, where, "autogo.search", kVersion);
  } catch (Error& e) {
    throw e.with_hint("start a new run with another -o");
  }
  SearchConfig config;
  config.model = json_member<std::string>(json, "model", where);
  config.segments = json_member<std::string>(json, "segments", where);
  config.predictor = json_member<std::string>(json, "predictor", where);
  config.input_shapes = json_member<decltype(config.input_shapes)>(json, "input_shapes", where);
  config.options = options_from_json(json_part(json, "options", where), where);
  return config;
}

}  // namespace autogo
