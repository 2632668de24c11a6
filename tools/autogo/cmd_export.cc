#include <filesystem>
#include <ostream>

#include "autogo/codegen/codegen.h"
#include "autogo/onnx/model.h"
#include "command.h"

namespace autogo {
namespace {

struct ExportCommand {
  std::string model, to = "onnx", out;
  std::vector<std::string> input_shapes;
  std::uint64_t seed = 0;
};

void write_python(Cli& cli, const ExportCommand& command, const Graph& graph) {
  AUTOGO_REQUIRE(std::filesystem::path(command.out).extension() == ".py", ErrorKind::kUsage,
                 "--to " + command.to + " writes a Python file: give -o a name that ends in .py");
  CodeOptions options;
  options.source = command.model == "-"
                       ? "standard input"
                       : std::filesystem::path(command.model).filename().string();
  options.seed = command.seed;
  CodeSummary summary;
  try {
    summary = command.to == "keras" ? export_keras(graph, command.out, options)
                                    : export_pytorch(graph, command.out, options);
  } catch (Error& e) {
    if (e.kind() == ErrorKind::kUnsupported) e.prepend(command.model);
    throw;
  }
  cli.log().info("wrote " + command.out + " and " + summary.weights + ": " +
                 std::to_string(summary.segments) + " segments of " +
                 std::to_string(summary.classes) + " kinds, " + std::to_string(summary.parameters) +
                 " parameters");
}

}  // namespace

int run_export(Cli& cli) {
  ExportCommand command;
  cli.examples({"autogo export model.onnx --to onnx -o clean.onnx",
                "autogo export model.onnx --to onnx -o fixed.onnx --input-shape image:1x3x320x320",
                "autogo export run/models/926a07f3849bd60c.onnx --to pytorch -o network.py"});
  cli.app().add_option("FILE", command.model, "the model (ONNX)")->required();
  cli.app()
      .add_option("--to", command.to,
                  "onnx; or pytorch, keras: a Python file for a trainer of your own, "
                  "with its weights beside it as .safetensors")
      ->required()
      ->check(CLI::IsMember({"onnx", "pytorch", "keras"}));
  cli.add_output(command.out, "the file to write");
  cli.add_input_shapes(command.input_shapes)
      ->description("shape of a dynamic input, like input:1x3x224x224; --to onnx fixes it in the file");
  cli.add_seed(command.seed);
  cli.parse();

  const ImportOptions import{.input_shapes = parse_input_shapes(command.input_shapes),
                             .fix_shapes = command.to == "onnx"};
  const Graph graph = import_onnx(command.model, import, cli.log());
  if (command.to != "onnx") {
    write_python(cli, command, graph);
    return 0;
  }
  ExportOptions options;
  options.seed = command.seed;
  const std::size_t nodes = export_onnx(graph, command.out, options);

  cli.log().info("wrote " + command.out + ", " + std::to_string(nodes) +
                 (nodes == 1 ? " node" : " nodes"));
  return 0;
}

}  // namespace autogo
