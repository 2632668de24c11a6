#include <algorithm>
#include <array>
#include <ostream>
#include <string_view>

#include "autogo/corpus/corpus.h"
#include "autogo/corpus/networks.h"
#include "autogo/cost/cost.h"
#include "autogo/onnx/model.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

/// The subcommands' options; each uses its own.
struct CorpusOptions {
  TableOptions table;
  SampleOptions sample;
  bool random_weights = false;
  std::string network;
  std::vector<std::string> models;
  std::vector<std::string> input_shapes;
  std::string out;
};

CLI::Option* declare_training_images(CLI::App& app, CorpusOptions& options) {
  return app
      .add_option("--training-images", options.table.training_images,
                  "images that the training behind a label saw, epochs times images; 0: as the "
                  "benchmark's column says, where it does")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
}

void declare_table(Cli& cli, CLI::App& app, CorpusOptions& options, const std::string& label) {
  app.add_option("--table", options.table.table, "the benchmark's table, plain or gzip")
      ->type_name("FILE")
      ->required();
  app.add_option("--label", options.table.label, label)->type_name("NAME")->required();
  app.add_option("--limit", options.table.limit, "stop after so many networks; 0 is all")
      ->type_name("N");
  declare_training_images(app, options);
  cli.add_output(app, options.out, "the corpus file to write");
}

/// The families whose networks are drawn at random.
struct SampledFamily {
  const char* name;
  const char* help;
  CLI::App* app = nullptr;
};

/// `autogo corpus hiaml`, `inception`, `two-path`: networks drawn at random, or those of a table.
void declare_sampled(Cli& cli, SampledFamily& family, CorpusOptions& options) {
  CLI::App& app = *cli.app().add_subcommand(family.name, family.help);
  family.app = &app;
  CLI::Option* count =
      app.add_option("--count", options.sample.count, "draw so many networks, unlabelled")
          ->type_name("N");
  cli.add_seed(app, options.sample.seed);
  if (std::string(family.name) == "inception") {
    app.add_flag("--wide", options.sample.wide,
                 "draw blocks of up to 4, 8, 12, 16 operations on 1 to 4 paths");
  }
  CLI::Option* table =
      app.add_option("--table", options.table.table,
                     "instead: the networks of a table with a column id, CSV or JSON Lines")
          ->type_name("FILE")
          ->excludes(count);
  app.add_option("--label", options.table.label, "the column of the table that is the label")
      ->type_name("NAME")
      ->needs(table);
  app.add_option("--limit", options.table.limit, "stop after so many networks of the table")
      ->type_name("N")
      ->needs(table);
  declare_training_images(app, options)->needs(table);
  cli.add_output(app, options.out, "the corpus file to write");
}

CorpusSummary write_family(const SampledFamily& family, CorpusOptions& options, Log& log) {
  if (options.table.table.empty()) {
    AUTOGO_REQUIRE(options.sample.count > 0, ErrorKind::kUsage,
                   "nothing to write: give --count, or --table and --label");
    options.sample.family = family.name;
    return write_sampled_corpus(options.sample, options.out, log);
  }
  AUTOGO_REQUIRE(!options.table.label.empty(), ErrorKind::kUsage,
                 "--table needs --label, the column that is the label");
  return write_family_corpus(family.name, options.table, options.out);
}

/// One line about what was left out and why; empty when nothing was.
std::string left_out(const CorpusSummary& summary) {
  std::string text;
  const auto add = [&](std::uint64_t count, const std::string& why) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + why;
  };
  add(summary.with_none, "with none");
  add(summary.disconnected, "without a path from input to output");
  add(summary.unlabelled, "without a label");
  add(summary.failed, "that cannot be imported");
  add(summary.repeated, "drawn before");
  return text;
}

void print_summary(Cli& cli, const CorpusSummary& summary, const std::string& out) {
  if (cli.json()) {
    OrderedJson json;
    json["corpus"] = out;
    json["items"] = summary.items;
    json["skipped_with_none"] = summary.with_none;
    json["skipped_disconnected"] = summary.disconnected;
    json["skipped_unlabelled"] = summary.unlabelled;
    json["skipped_failed"] = summary.failed;
    json["skipped_repeated"] = summary.repeated;
    cli.out() << dump_json(json) << "\n";
    return;
  }
  const std::string skipped = left_out(summary);
  cli.out() << out << ": " << summary.items << " networks"
            << (skipped.empty() ? "" : "; left out: " + skipped) << "\n";
}

CorpusSummary write_models(const CorpusOptions& options, Log& log) {
  ImportOptions import;
  import.input_shapes = parse_input_shapes(options.input_shapes);
  const auto load = [&](const std::string& path) { return import_onnx(path, import, log); };
  return write_onnx_corpus(find_onnx_files(options.models), load, options.out, log);
}

/// `autogo corpus network`: the ONNX files of data/models, and any network of a family.
int write_network(Cli& cli, const CorpusOptions& options) {
  const bool by_id = options.network.find(':') != std::string::npos;
  const Graph graph = by_id ? family_graph(options.network) : sample_network(options.network);
  ExportOptions out;
  out.name = options.network;
  out.seed = options.sample.seed;
  out.new_weights = options.random_weights ? NewWeights::kRandom : NewWeights::kConstantOfShape;
  export_onnx(graph, options.out, out);
  const Cost cost = graph_cost(graph).total;
  if (cli.json()) {
    OrderedJson json;
    json["model"] = options.out;
    json["macs"] = cost.macs;
    json["params"] = cost.params;
    cli.out() << dump_json(json) << "\n";
  } else {
    cli.out() << options.out << ": " << cost.macs << " multiply-accumulates, " << cost.params
              << " parameters\n";
  }
  return 0;
}

std::string network_help() {
  std::string text = "Names:";
  std::size_t width = 0;
  for (const SampleNetwork& network : sample_networks()) {
    width = std::max(width, std::string_view(network.name).size() + 2);
  }
  for (const SampleNetwork& network : sample_networks()) {
    std::string name = network.name;
    name.resize(width, ' ');
    text += "\n  " + name + network.help;
  }
  return text +
         "\n\nOr the id of a network of a family, as in corpora: nb101:..., nb201:..., hiaml:..., "
         "two_path:...,\ninception:... (docs/formats.md).";
}

}  // namespace

int run_corpus(Cli& cli) {
  CorpusOptions options;
  CLI::App& app = cli.app();
  app.require_subcommand(1);
  cli.examples(
      {"autogo corpus nasbench201 --table nasbench201.csv.gz --label cifar10_test_200ep "
       "--skip-none -o nb201.jsonl",
       "autogo corpus two-path --count 6900 --seed 0 -o two_path.jsonl",
       "autogo corpus onnx models/ -o models.jsonl"});

  CLI::App& nb101 = *app.add_subcommand("nasbench101", "labelled cells of NAS-Bench-101");
  declare_table(cli, nb101, options, "the field of the table that is the label");
  CLI::App& nb201 = *app.add_subcommand("nasbench201", "labelled cells of NAS-Bench-201");
  declare_table(cli, nb201, options, "the column of the table that is the label");
  nb201.add_flag("--skip-none", options.table.skip_none, "leave out cells that use none");
  std::array<SampledFamily, 3> families{{{"hiaml", "networks of HiAML"},
                                         {"inception", "networks of Inception"},
                                         {"two-path", "networks of Two-Path"}}};
  for (SampledFamily& family : families) declare_sampled(cli, family, options);
  CLI::App& onnx = *app.add_subcommand("onnx", "ONNX files and folders of them, unlabelled");
  onnx.add_option("models", options.models, "files, and folders that are searched for *.onnx")
      ->type_name("PATH")
      ->required();
  cli.add_input_shapes(onnx, options.input_shapes);
  cli.add_output(onnx, options.out, "the corpus file to write");
  CLI::App& network =
      *app.add_subcommand("network", "a well-known network, or one of a family, as ONNX");
  network.footer(network_help());
  cli.examples(network, {"autogo corpus network resnet50 -o resnet50.onnx",
                         "autogo corpus network hiaml:src1-src1-r30-src3 --random-weights --seed 1 "
                         "-o h.onnx"});
  network.add_option("name", options.network, "one of the names below, or an id")
      ->type_name("NAME")
      ->required();
  network.add_flag("--random-weights", options.random_weights,
                   "draw the weights from the seed; without it they are constants, the file small");
  cli.add_seed(network, options.sample.seed);
  cli.add_output(network, options.out, "the ONNX file to write");
  cli.parse();

  if (network.parsed()) return write_network(cli, options);
  for (const SampledFamily& family : families) {
    if (!family.app->parsed()) continue;
    print_summary(cli, write_family(family, options, cli.log()), options.out);
    return 0;
  }
  const CorpusSummary summary =
      nb101.parsed()   ? write_nasbench101_corpus(options.table, options.out)
      : nb201.parsed() ? write_nasbench201_corpus(options.table, options.out)
                       : write_models(options, cli.log());
  print_summary(cli, summary, options.out);
  return 0;
}

}  // namespace autogo
