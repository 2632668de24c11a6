#include <cmath>
#include <cstdio>
#include <ostream>

#include "autogo/base/paths.h"
#include "autogo/predict/predictor.h"
#include "autogo/study/trained_runs.h"
#include "base/json.h"
#include "command.h"
#include "stop_signal.h"
#include "train_network.h"

namespace autogo {
namespace {

struct PredictorOptions {
  TrainOptions train;
  std::string evaluate;
  bool all = false;
  std::vector<std::string> refine;  ///< runs
  std::string predictor;            ///< that is refined
};

void declare(Cli& cli, CLI::App& app, PredictorOptions& options) {
  app.add_option("corpora", options.train.corpora, "labelled corpus files (autogo corpus)")
      ->type_name("CORPUS");
  app.add_option("--brief", options.train.brief,
                 "corpora labelled after shorter trainings: what those change")
      ->type_name("CORPUS");
  CLI::Option* evaluate =
      app.add_option("--evaluate", options.evaluate, "measure this predictor instead of training")
          ->type_name("FILE");
  CLI::Option* refine =
      app.add_option("--refine", options.refine,
                     "correct a predictor by what was trained: runs of autogo search --validate, "
                     "folders of autogo train network")
          ->type_name("RUN")
          ->excludes(evaluate);
  app.add_option("--predictor", options.predictor, "the one to refine (default: the bundled one)")
      ->type_name("FILE")
      ->needs(refine);
  app.add_flag("--all", options.all, "measure also on networks that it was trained on")
      ->needs(evaluate);
  app.add_option("--kind", options.train.kind,
                 "psc: predecessor, segment, successor; gnn: whole networks")
      ->type_name("KIND")
      ->check(CLI::IsMember({"psc", "gnn"}));
  app.add_option("--segments", options.train.segments,
                 "segment database whose segmentations make half of the training's cuts")
      ->type_name("FILE");
  app.add_option("--epochs", options.train.epochs, "passes over the networks; 0 is the default")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--test-share", options.train.test_share, "share of each corpus that is held out")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 0.9));
  app.add_flag("--resume", options.train.resume, "go on from OUTPUT.checkpoint");
  cli.add_seed(app, options.train.seed);
  cli.add_jobs(app, options.train.threads);
  app.add_option("-o,--output", options.train.out, "the predictor file to write")
      ->type_name("FILE");
}

OrderedJson as_json(const CorpusMetrics& metrics) {
  const auto number = [](double value) {
    return std::isnan(value) ? OrderedJson(nullptr) : OrderedJson(value);
  };
  OrderedJson json;
  json["corpus"] = metrics.corpus;
  json["graphs"] = metrics.graphs;
  json["folds"] = metrics.folds;
  json["spearman"] = number(metrics.spearman);
  json["spearman_std"] = number(metrics.spearman_std);
  json["kendall"] = number(metrics.kendall);
  json["gain_spearman"] = number(metrics.gain_spearman);
  json["pairs"] = metrics.pairs;
  json["gain_error"] = number(metrics.gain_error);
  json["trust"] = metrics.trust;
  for (const Correlations& c : metrics.alone) {
    json["alone"][c.name]["accuracy"] = number(c.accuracy);
    json["alone"][c.name]["gain"] = number(c.gain);
  }
  return json;
}

void print_metrics(Cli& cli, const std::vector<CorpusMetrics>& all) {
  if (cli.json()) {
    OrderedJson json;
    json["corpora"] = OrderedJson::array();
    for (const CorpusMetrics& metrics : all) json["corpora"].push_back(as_json(metrics));
    cli.out() << dump_json(json) << "\n";
    return;
  }
  char line[160];
  for (const CorpusMetrics& metrics : all) {
    std::snprintf(line, sizeof(line),
                  "%llu networks, %llu folds: Spearman %.4f +- %.4f, Kendall %.4f",
                  static_cast<unsigned long long>(metrics.graphs),
                  static_cast<unsigned long long>(metrics.folds), metrics.spearman,
                  metrics.spearman_std, metrics.kendall);
    cli.out() << metrics.corpus << ": " << line << "\n";
    if (metrics.pairs > 0) {
      std::snprintf(line, sizeof(line),
                    "  gains over %llu pairs one edit apart: Spearman %.4f, error %.2f of a gain",
                    static_cast<unsigned long long>(metrics.pairs), metrics.gain_spearman,
                    metrics.gain_error);
      cli.out() << line << "\n";
    }
    std::snprintf(line, sizeof(line), "  trust in the net: %.2f", metrics.trust);
    cli.out() << line << "\n";
    for (const Correlations& c : metrics.alone) {
      std::snprintf(line, sizeof(line), "  %s alone: Spearman %.4f", c.name.c_str(), c.accuracy);
      cli.out() << line;
      if (metrics.pairs > 0) {
        std::snprintf(line, sizeof(line), ", gains %.4f", c.gain);
        cli.out() << line;
      }
      cli.out() << "\n";
    }
  }
}

int refine(Cli& cli, const PredictorOptions& options) {
  AUTOGO_REQUIRE(options.train.corpora.empty(), ErrorKind::kUsage,
                 "train predictor: --refine takes runs, no corpora; leave out '" +
                     options.train.corpora.front() + "'");
  const std::string base =
      options.predictor.empty() ? data_file("predictor.pt") : options.predictor;
  std::vector<TrainedNetworks> runs;
  for (const std::string& directory : options.refine) {
    runs.push_back(read_trained_run(directory));
  }
  const RefineReport report = refine_predictor(base, runs, options.train.out);
  const auto text = [](double value) {
    char digits[16];
    std::snprintf(digits, sizeof(digits), "%.3f", value);
    return std::string(std::isnan(value) ? "none" : digits);
  };
  if (cli.json()) {
    const auto number = [](double value) {
      return std::isnan(value) ? OrderedJson(nullptr) : OrderedJson(value);
    };
    OrderedJson json;
    json["predictor"] = options.train.out;
    json["networks"] = report.networks;
    json["spearman_before"] = number(report.spearman_before);
    json["spearman_after"] = number(report.spearman_after);
    json["trust"] = report.trust;
    cli.out() << dump_json(json) << "\n";
  } else {
    cli.out() << report.networks << " trained networks: Spearman with the truth "
              << text(report.spearman_before) << " before, " << text(report.spearman_after)
              << " refined (each network predicted from the others); wrote " << options.train.out
              << "\n";
  }
  return 0;
}

}  // namespace

int run_train(Cli& cli) {
  PredictorOptions options;
  cli.app().require_subcommand(1);
  CLI::App& predictor =
      *cli.app().add_subcommand("predictor", "an accuracy predictor from labelled networks");
  declare(cli, predictor, options);
  cli.examples(predictor, {"autogo train predictor nb201.jsonl nb101.jsonl --kind psc -o P.pt",
                           "autogo train predictor --evaluate P.pt nb201.jsonl --json",
                           "autogo train predictor --refine run -o refined.pt"});
  NetworkArguments arguments;
  CLI::App& network = *cli.app().add_subcommand("network", "networks on images");
  declare_train_network(cli, network, arguments);
  cli.examples(network, {"autogo train network a.onnx b.onnx --data cifar10 --seeds 3 -o trained",
                         "autogo train network edsr_x2.onnx --task super-resolution --data sr"});
  cli.examples(
      {"autogo train network model.onnx --data cifar10 --recipe short --seeds 3 -o trained",
       "autogo train predictor nb201.jsonl nb101.jsonl --kind psc -o P.pt"});
  cli.parse();
  if (network.parsed()) return run_train_network(cli, arguments);
  AUTOGO_REQUIRE(!options.train.corpora.empty() || !options.refine.empty(), ErrorKind::kUsage,
                 "train predictor: name the labelled corpora (autogo corpus), or --refine RUN");

  if (!options.evaluate.empty()) {
    print_metrics(cli, evaluate_predictor(options.evaluate, options.train.corpora, options.all,
                                          options.train.threads, cli.log()));
    return 0;
  }
  AUTOGO_REQUIRE(!options.train.out.empty(), ErrorKind::kUsage,
                 "train predictor: --output is required, unless --evaluate is given");
  if (!options.refine.empty()) return refine(cli, options);
  const StopSignal signals;
  options.train.stop = &StopSignal::requested();
  if (train_predictor(options.train, cli.log())) return 0;
  cli.err() << "autogo train: interrupted; repeat the command with --resume to continue\n";
  return kExitInterrupted;
}

}  // namespace autogo
