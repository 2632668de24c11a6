#include <ostream>

#include "autogo/onnx/model.h"
#include "command.h"

namespace autogo {
namespace {

struct ExportCommand {
  std::string model, to = "onnx", out;
  std::vector<std::string> input_shapes;
  std::uint64_t seed = 0;
};

}  // namespace

int run_export(Cli& cli) {
  ExportCommand command;
  cli.examples(
      {"autogo export model.onnx --to onnx -o clean.onnx",
       "autogo export model.onnx --to onnx -o fixed.onnx --input-shape image:1x3x320x320"});
  cli.app().add_option("FILE", command.model, "the model (ONNX)")->required();
  cli.app()
      .add_option("--to", command.to, "format of the output")
      ->required()
      ->check(CLI::IsMember({"onnx"}));
  cli.add_output(command.out, "the file to write");
  cli.add_input_shapes(command.input_shapes);
  cli.add_seed(command.seed);
  cli.parse();

  const Graph graph = import_onnx(
      command.model, {.input_shapes = parse_input_shapes(command.input_shapes)}, cli.log());
  ExportOptions options;
  options.seed = command.seed;
  export_onnx(graph, command.out, options);

  cli.log().info("wrote " + command.out + ", " + std::to_string(graph.num_nodes()) + " nodes");
  return 0;
}

}  // namespace autogo
