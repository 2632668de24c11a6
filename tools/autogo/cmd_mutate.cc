// autogo mutate: random neighbours of a network, to train and to judge predictors by.

#include <cstdio>
#include <ostream>

#include "autogo/base/file.h"
#include "autogo/search/mutants.h"
#include "base/json.h"
#include "command.h"
#include "mutation_options.h"

namespace autogo {
namespace {

struct MutateArguments {
  SearchConfig config;
  MutantOptions options;
  MutationWords words;
  std::vector<std::string> input_shapes;
  std::string out;
};

void print_mutants(Cli& cli, const MutateArguments& a, const std::vector<Mutant>& mutants) {
  if (cli.json()) {
    cli.out() << dump_json(parse_ordered_json(read_file(a.out + "/mutants.json"),
                                              a.out + "/mutants.json"))
              << "\n";
    return;
  }
  cli.out() << "        MACs       params  mutations      gain  network\n";
  for (const Mutant& m : mutants) {
    char text[128];
    std::snprintf(text, sizeof(text), "%10.3f M %10.3f M %10u %+9.4f  ",
                  static_cast<double>(m.macs) / 1e6, static_cast<double>(m.params) / 1e6,
                  m.mutations, m.predicted_gain);
    cli.out() << text << mutant_path(a.out, m) << "\n";
  }
}

}  // namespace

int run_mutate(Cli& cli) {
  MutateArguments a;
  CLI::App& app = cli.app();
  cli.examples({"autogo mutate --model net.onnx --count 40 --seed 1 -o mutants",
                "autogo mutate --model net.onnx --max-mutations 3 --predictor gnn.pt -o mutants"});
  app.add_option("--model", a.config.model, "the network to mutate, an ONNX file")
      ->type_name("FILE")
      ->required();
  app.add_option("--count", a.options.count, "networks to make")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--max-mutations", a.options.max_mutations,
                 "mutations in a row; networks have 1 to N, equally often")
      ->type_name("N");
  app.add_option("--narrow", a.options.narrow,
                 "share of the networks in which one layer gets 1 to 8 channels besides; predicted "
                 "gains leave that out")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--segments", a.config.segments, "segment database (default: the bundled one)")
      ->type_name("FILE");
  app.add_option("--predictor", a.config.predictor,
                 "predictor of the gains (default: the bundled one); the choice of networks does "
                 "not depend on it")
      ->type_name("FILE");
  declare_mutation(app, a.config.options, a.words, "Mutation");
  cli.add_output(a.out, "the folder to make");
  cli.add_seed(a.config.options.seed);
  cli.add_jobs(a.config.options.jobs);
  cli.add_input_shapes(a.input_shapes);
  cli.parse();
  a.config.input_shapes = parse_input_shapes(a.input_shapes);
  resolve_mutation(cli.app(), a.config, a.words, true);

  const MutationInputs inputs = load_mutation_inputs(a.config, a.out, cli.log());
  const std::unique_ptr<Predictor> predictor =
      load_predictor(a.config.predictor, a.config.options.training_images);
  a.options.search = a.config.options;
  const std::vector<Mutant> mutants = about_model(a.config.model, a.out, [&] {
    return random_mutants(inputs.network, inputs.database, *predictor, a.options);
  });
  if (mutants.size() < a.options.count) {
    cli.log().warning("only " + std::to_string(mutants.size()) +
                      " different networks were found; widen the FLOPs window "
                      "(--max-flops-decrease) or allow more mutations (--max-mutations)");
  }
  write_mutants(a.out, a.config, inputs.network, mutants);
  print_mutants(cli, a, mutants);
  return 0;
}

}  // namespace autogo
