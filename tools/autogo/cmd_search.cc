// autogo search: the main job. Ctrl-C once finishes the work items in hand and writes the front so
// far; twice stops at once, and what the journal has is kept.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <ostream>

#include "autogo/base/file.h"
#include "autogo/cost/cost_model.h"
#include "autogo/search/search.h"
#include "base/json.h"
#include "command.h"
#include "model_stem.h"
#include "mutation_options.h"
#include "stop_signal.h"
#include "validate_options.h"

namespace autogo {
namespace {

constexpr int kTimeout = 124;

struct SearchArguments {
  SearchConfig config;
  SearchRun run;
  std::vector<std::string> input_shapes;
  MutationWords words;
  std::string resume, validate;
  bool dry_run = false;
  bool iterations_given = false;
};

void declare_search(CLI::App& app, SearchArguments& a) {
  SearchOptions& o = a.config.options;
  const std::string group = "Search";
  auto option = [&](const std::string& name, auto& field, const std::string& help,
                    const std::string& type) {
    return app.add_option(name, field, help)->type_name(type)->group(group);
  };
  option("--iterations", o.iterations, "rounds of mutation", "N");
  option("--parents", o.parents, "networks mutated in a round", "N");
  option("--sources", o.sources, "segments of a parent that are replaced in turn", "N");
  option("--replacements", o.replacements, "candidates for each of them", "N");
  option("--members", o.members,
         "networks to write at least: a smaller front is filled up with runners-up", "N");
  option("--min-gain", o.min_gain, "least predicted gain of a network", "X");
  option(
      "--risk", o.risk,
      "where no family knows the network: a predicted gain is lowered by so many times its error; "
      "0 believes it",
      "X");
  declare_mutation(app, o, a.words, group);
}

/// --resume takes everything that decides the result from the run.
void refuse_options_of_the_run(CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    const bool allowed = name == "--resume" || name == "--jobs" || name == "--timeout" ||
                         name == "--iterations" || !option->get_envname().empty();
    const bool of_the_run = option->get_group() == "Search" || name == "--model" ||
                            name == "--segments" || name == "--predictor" || name == "--output" ||
                            name == "--input-shape" || name == "--objective";
    AUTOGO_REQUIRE(allowed || !of_the_run || option->count() == 0, ErrorKind::kUsage,
                   name + ": --resume takes it from the run; leave it out");
  }
}

/// Where a run without -o goes: "<model>-search" in the current folder, or the first such name with
/// a number that is not taken.
std::string free_directory(const std::string& model) {
  const std::string base = model_stem(model) + "-search";
  std::string name = base;
  for (int n = 2; path_exists(name); ++n) name = base + "-" + std::to_string(n);
  return name;
}

void resolve_arguments(Cli& cli, SearchArguments& a) {
  SearchConfig& config = a.config;
  if (!a.resume.empty()) {
    refuse_options_of_the_run(cli.app());
    const SearchOptions given = config.options;
    config = read_search_config(a.resume);
    config.options.jobs = given.jobs;
    if (a.iterations_given) config.options.iterations = given.iterations;
    a.run.directory = a.resume;
    a.run.resume = true;
    return;
  }
  AUTOGO_REQUIRE(!config.model.empty(), ErrorKind::kUsage,
                 "--model FILE is missing (or --resume RUN to continue a run)");
  if (a.run.directory.empty()) a.run.directory = free_directory(config.model);
  resolve_mutation(cli.app(), config, a.words, !a.dry_run);
  config.input_shapes = parse_input_shapes(a.input_shapes);
  validate(config.options);
}

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), pattern, value);
  return text;
}

/// The first objective, as people say it.
std::string first_objective(const SearchOptions& options) {
  const std::string word = options.objective.substr(0, options.objective.find(','));
  return word == "flops" || word == "macs" ? "FLOPs" : word;
}

std::string progress_line(const IterationReport& r, const SearchOptions& options) {
  std::string line = "iteration " + std::to_string(r.iteration + 1) + " of " +
                     std::to_string(options.iterations) + ": " + std::to_string(r.parents) +
                     " parents, " + std::to_string(r.resolved) + " children, " +
                     std::to_string(r.accepted) + " accepted, front " + std::to_string(r.front);
  if (r.front > 0) {
    line += ", " + first_objective(options) + " " + format("%+.1f%%", r.best_change_percent) +
            " at gain " + format("%+.3f", r.gain_of_best) + ", best gain " +
            format("%+.3f", r.best_gain);
  }
  return line + ", " + format("%.1f s", r.seconds);
}

std::string change(double now, double then) {
  if (then == 0) return "-";
  return format("%+.1f%%", 100 * (now - then) / then);
}

/// A column of the table, with its change from the input beside it.
struct MeasureColumn {
  std::string name, title, unit;
};

std::vector<MeasureColumn> columns_of(const SearchResult& result) {
  std::vector<MeasureColumn> columns = {{"macs", "MACs", "M"}, {"params", "params", "M"}};
  for (const std::string& name : result.named) {
    if (name == "macs" || name == "flops" || name == "params") continue;
    for (const MeasureInfo& info : standard_cost_models().measures()) {
      if (info.name != name) continue;
      columns.push_back({name, measure_word(name), info.unit == "bytes" ? "MB" : info.unit});
    }
  }
  return columns;
}

std::string padded(const std::string& text, int width) {
  char cell[96];
  std::snprintf(cell, sizeof(cell), "%*s", width, text.c_str());
  return cell;
}

/// @param input  of whom changes are told; null: none are
std::string measure_cells(const std::vector<MeasureColumn>& columns, const Measures& measures,
                          const Measures* input) {
  std::string line;
  for (const MeasureColumn& column : columns) {
    const double value = measures.at(column.name);
    line += padded(format("%.3f ", value / 1e6) + column.unit, 12) + " " +
            padded(input == nullptr ? "" : change(value, input->at(column.name)), 8) + " ";
  }
  return line;
}

void print_table(Cli& cli, const SearchArguments& a, const SearchResult& result) {
  std::ostream& out = cli.out();
  const std::vector<MeasureColumn> columns = columns_of(result);
  for (const MeasureColumn& column : columns) out << padded(column.title, 12) << padded("", 10);
  out << padded("gain", 18) << "  network\n"
      << measure_cells(columns, result.measures, nullptr) << padded("", 18) << "  "
      << a.config.model << "\n";
  const auto error = [&](const FrontMember& m) {
    const double width = std::abs(m.predicted_gain) * result.knowledge.gain_error;
    return !result.note.empty() || std::isnan(width) ? std::string()
                                                     : " +- " + format("%.4f", width);
  };
  for (const FrontMember& m : result.front) {
    out << measure_cells(columns, m.measures, &result.measures)
        << padded(format("%+.4f", m.predicted_gain) + error(m), 18) << "  "
        << (std::filesystem::path(a.run.directory) / m.model).string()
        << (m.rank == 1 ? "" : " (runner-up)") << "\n";
  }
  if (!result.note.empty()) out << result.note << "\n";
}

void print_json(Cli& cli, const SearchArguments& a, const SearchResult& result) {
  const std::string path = a.run.directory + "/pareto.json";
  OrderedJson json;
  json["run"] = a.run.directory;
  json["status"] = result.status == SearchStatus::kDone          ? "done"
                   : result.status == SearchStatus::kInterrupted ? "interrupted"
                                                                 : "timeout";
  json["iterations"] = result.iterations;
  json["children"] = result.children;
  const OrderedJson pareto = parse_ordered_json(read_file(path), path);
  json["input"] = pareto.at("input");
  if (!result.note.empty()) json["note"] = result.note;
  json["members"] = pareto.at("members");
  cli.out() << dump_json(json) << "\n";
}

void print_plan(Cli& cli, const SearchArguments& a, const SearchPlan& plan) {
  if (cli.json()) {
    OrderedJson json;
    json["model"] = a.config.model;
    json["macs"] = plan.macs;
    json["params"] = plan.params;
    json["min_macs"] = plan.min_macs;
    json["max_macs"] = plan.max_macs;
    json["fixed_macs"] = plan.frozen_macs;
    for (const auto& [name, limit] : plan.constraints) json["constraints"][name] = limit;
    json["nodes"] = plan.nodes;
    json["mutable_nodes"] = plan.mutable_nodes;
    json["segments"] = plan.segments;
    json["sources"] = plan.sources;
    json["replacements"] = plan.replacements;
    json["operators"] = plan.operators;
    cli.out() << dump_json(json) << "\n";
    return;
  }
  std::string operators;
  for (const std::string& name : plan.operators) operators += " " + name;
  std::string constraints;
  for (const auto& [name, limit] : plan.constraints) {
    constraints += "constraint: " + measure_word(name) + " at most " + format("%.0f", limit) + "\n";
  }
  const SearchOptions& o = a.config.options;
  cli.out() << a.config.model << ": " << plan.nodes << " nodes, " << plan.mutable_nodes
            << " of them replaceable; " << plan.macs << " MACs, " << plan.params << " parameters\n"
            << "segments: " << plan.segments << ", of which runs of up to " << o.max_segments
            << " give " << plan.sources << " sources\n"
            << "replacements: " << plan.replacements << " segments with" << operators << "\n"
            << "window: more than " << plan.min_macs << " and less than " << plan.max_macs
            << " MACs; " << plan.frozen_macs << " in nodes that stay\n"
            << constraints << "would try up to "
            << std::uint64_t{o.iterations} * o.parents * o.sources * o.replacements
            << " children in " << o.iterations << " iterations\n";
}

/// What is left to say, and the exit code.
int finish(Cli& cli, const SearchArguments& a, const SearchResult& result, bool validated) {
  if (result.status == SearchStatus::kDone && validated) return 0;
  if (result.status == SearchStatus::kDone) {
    cli.err() << "autogo search: interrupted while validating; continue with: autogo search "
                 "--resume "
              << a.run.directory << " --validate " << a.validate << "\n";
    return kExitInterrupted;
  }
  const bool interrupted = result.status == SearchStatus::kInterrupted;
  cli.err() << "autogo search: " << (interrupted ? "interrupted" : "time is up") << " after "
            << result.iterations << " of " << a.config.options.iterations
            << " iterations; continue with: autogo search --resume " << a.run.directory << "\n";
  return interrupted ? kExitInterrupted : kTimeout;
}

}  // namespace

/// Gains are predicted for full trainings unless the search is told otherwise.
void advise_on_length(const SearchArguments& a, const ValidationRequest& validation, Log& log) {
  const double images = images_seen(validation.data, validation.options.training);
  if (a.config.options.training_images > 0 || images >= kFullTrainingImages) return;
  char text[200];
  std::snprintf(text, sizeof(text),
                "a predictor that was not refined speaks of full trainings; the validation shows "
                "%.0f images, and --training-images %.0f asks for gains in such a training",
                images, images);
  log.info(text);
}

int run_search(Cli& cli) {
  SearchArguments a;
  CLI::App& app = cli.app();
  cli.examples({"autogo search --model resnet50.onnx --objective flops --seed 1 -o run",
                "autogo search --resume run"});
  app.add_option("--model", a.config.model, "the network to start from, an ONNX file")
      ->type_name("FILE");
  app.add_option("--objective", a.config.options.objective,
                 "what is to be small beside a high predicted gain, one or several of " +
                     standard_cost_models().words())
      ->type_name("NAME[,NAME...]");
  app.add_option("--segments", a.config.segments, "segment database (default: the bundled one)")
      ->type_name("FILE");
  app.add_option("--predictor", a.config.predictor, "predictor (default: the bundled one)")
      ->type_name("FILE");
  app.add_option("--output,-o", a.run.directory,
                 "the run directory to make (default: MODEL-search, numbered when it exists)")
      ->type_name("RUN");
  app.add_option("--resume", a.resume, "continue this run; --iterations may add to it")
      ->type_name("RUN");
  app.add_option("--timeout", a.run.timeout_s, "stop after so long, results so far kept (exit 124)")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--validate", a.validate,
                 "train the best networks next to the input, like "
                 "top=3,data=DIR,epochs=10,seeds=3,inherit=yes (docs/training.md)")
      ->type_name("KEY=VALUE,...");
  app.add_flag("--dry-run", a.dry_run, "say what would be done, write nothing");
  cli.add_seed(a.config.options.seed);
  cli.add_jobs(a.config.options.jobs);
  cli.add_input_shapes(a.input_shapes);
  declare_search(app, a);
  cli.parse();
  a.iterations_given = app.get_option("--iterations")->count() > 0;
  resolve_arguments(cli, a);
  std::optional<ValidationRequest> validation;  // what it needs is missed before the search
  if (!a.validate.empty()) validation = parse_validation(a.validate);

  const StopSignal signals;
  Log& log = cli.log();
  const MutationInputs inputs = load_mutation_inputs(a.config, a.run.directory, log);
  const Graph& input = inputs.network;
  const SegmentDatabase& database = inputs.database;
  const auto searched = [&](const auto& work) {
    return about_model(a.config.model, a.run.directory, work);
  };
  if (a.dry_run) {
    print_plan(cli, a, searched([&] { return plan_search(a.config, input, database); }));
    return 0;
  }
  if (validation) {
    make_trainable(input, validation->data, validation->options.task);
    advise_on_length(a, *validation, log);
  }
  const std::unique_ptr<Predictor> predictor =
      load_predictor(a.config.predictor, a.config.options.training_images);
  a.run.stop = &StopSignal::requested();
  a.run.on_iteration = [&](const IterationReport& report) {
    log.info(progress_line(report, a.config.options));
  };
  const SearchResult result = searched(
      [&] { return run_search(a.config, a.run, input, database, *predictor, log); });
  if (!cli.json()) print_table(cli, a, result);
  const bool validated = !validation || result.status != SearchStatus::kDone ||
                         run_validation(cli, a.run.directory, a.config, input, result, *validation);
  if (cli.json()) print_json(cli, a, result);
  return finish(cli, a, result, validated);
}

}  // namespace autogo
