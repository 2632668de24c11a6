#include "mutation_options.h"

#include <filesystem>
#include <limits>
#include <string_view>

#include "autogo/base/paths.h"
#include "autogo/onnx/model.h"

namespace autogo {

void declare_mutation(CLI::App& app, SearchOptions& o, MutationWords& words,
                      const std::string& group) {
  auto option = [&](const std::string& name, auto& field, const std::string& help,
                    const std::string& type) {
    return app.add_option(name, field, help)->type_name(type)->group(group);
  };
  option("--max-segments", o.max_segments, "consecutive segments replaced together", "N");
  option("--sparsity", o.sparsity, "share of the vocabulary kept when a parent is segmented", "X");
  option("--mutation", words.mutation, "what is replaced: segment or operator", "UNIT")
      ->check(CLI::IsMember({"segment", "operator"}));
  option("--max-flops-increase", o.max_flops_increase,
         "against the input, exclusive; negative: at least that much fewer", "PERCENT");
  option("--max-flops-decrease", o.max_flops_decrease,
         "against the input, exclusive; 100: no limit", "PERCENT");
  option("--constraint", o.constraints,
         "a bound of any measure, like 'params<=5e6', 'macs<=80%' of the input's, or 'macs<=-20%' "
         "less than it; one of macs or flops opens the FLOPs window unless that is given",
         "NAME<=VALUE[%]")
      ->allow_extra_args(false);
  option("--allow-ops", o.allow_ops,
         "operators that replacements may use beside the model's own; 'all'", "OP")
      ->delimiter(',');
  option("--deny-ops", o.deny_ops, "operators that replacements may not use", "OP")->delimiter(',');
  option("--freeze", o.freeze, "nodes that stay, by their names in the file; * ? [a-z] work",
         "PATTERN");
  option("--training-images", o.training_images,
         "images that the networks' training will see, epochs times images: gains in such a "
         "training; 0: in a full one",
         "N")
      ->check(CLI::NonNegativeNumber);
  option("--new-weights", words.new_weights,
         "weights of new nodes: random, constant (small files) or auto (constant when the model "
         "holds no weights)",
         "KIND")
      ->check(CLI::IsMember({"auto", "random", "constant"}));
}

void resolve_mutation(const CLI::App& app, SearchConfig& config, const MutationWords& words,
                      bool needs_predictor) {
  if (bounds_macs(config.options)) {
    const auto given = [&](const char* name) { return app.get_option(name)->count() > 0; };
    if (!given("--max-flops-decrease")) config.options.max_flops_decrease = 100;
    if (!given("--max-flops-increase")) {
      config.options.max_flops_increase = std::numeric_limits<double>::infinity();
    }
  }
  config.options.mutation =
      words.mutation == "operator" ? MutationUnit::kOperator : MutationUnit::kSegment;
  config.options.new_weights = words.new_weights == "random"     ? ExportWeights::kRandom
                               : words.new_weights == "constant" ? ExportWeights::kConstant
                                                                 : ExportWeights::kAuto;
  validate(config.options);
  if (config.segments.empty()) config.segments = data_file("segments.json");
  if (config.predictor.empty() && needs_predictor) config.predictor = data_file("predictor.pt");
  for (std::string* path : {&config.model, &config.segments, &config.predictor}) {
    if (path->empty() || *path == "-") continue;
    std::error_code unknown;  // the working folder may be gone
    const std::filesystem::path whole = std::filesystem::absolute(*path, unknown);
    if (!unknown) *path = whole.lexically_normal().string();
  }
}

MutationInputs load_mutation_inputs(const SearchConfig& config, const std::string& directory,
                                    Log& log) {
  ImportOptions import;
  import.input_shapes = config.input_shapes;
  MutationInputs inputs{import_onnx(config.model, import, log),
                        SegmentDatabase::load(config.segments)};
  about_model(config.model, directory,
              [&] { inputs.database.add_segments_of(inputs.network, "input"); });
  return inputs;
}

void name_model(Error& error, const std::string& model, const std::string& directory) {
  const bool of_the_model = error.kind() == ErrorKind::kInput ||
                            error.kind() == ErrorKind::kUnsupported ||
                            error.kind() == ErrorKind::kInfeasible;
  const std::string_view text = error.what();
  const bool of_the_run = !directory.empty() && text.starts_with(directory);
  if (of_the_model && !of_the_run && !text.starts_with(model)) error.prepend(model);
}

}  // namespace autogo
