#include <ostream>

#include "autogo/base/hash.h"
#include "autogo/base/paths.h"
#include "autogo/graph/canonical.h"
#include "autogo/onnx/model.h"
#include "autogo/segment/segmentation.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

struct SegmentCommand {
  std::string model;
  std::string database;
  std::vector<std::string> input_shapes;
  double keep = 1;
  std::uint64_t seed = 0;
};

void print_json(std::ostream& out, const Graph& graph,
                const std::vector<NetworkSegment>& segments) {
  OrderedJson list = OrderedJson::array();
  for (const NetworkSegment& segment : segments) {
    OrderedJson nodes = OrderedJson::array();
    for (const NodeId id : segment.nodes) nodes.push_back(graph.node_name(id));
    list.push_back({{"nodes", std::move(nodes)},
                    {"id", hex64(segment.id)},
                    {"inputs", segment.num_inputs},
                    {"outputs", segment.num_outputs},
                    {"known", segment.known}});
  }
  out << dump_json(OrderedJson{{"segments", std::move(list)}}) << "\n";
}

void print_table(std::ostream& out, const Graph& graph,
                 const std::vector<NetworkSegment>& segments) {
  out << segments.size() << " segments of " << graph.num_nodes() << " nodes\n";
  for (const NetworkSegment& segment : segments) {
    out << hex64(segment.id) << (segment.known ? "  " : " *");
    for (const NodeId id : segment.nodes) {
      out << " " << op_name(graph.node(id).op) << ":" << graph.node_name(id);
    }
    out << "\n";
  }
  out << "* not in the database\n";
}

}  // namespace

int run_segment(Cli& cli) {
  SegmentCommand options;
  CLI::App& app = cli.app();
  cli.examples(
      {"autogo segment resnet50.onnx",
       "autogo segment resnet50.onnx --segments segments.json --keep 0.5 --seed 7 --json"});
  app.add_option("model", options.model, "the network, an ONNX file")
      ->type_name("FILE")
      ->required();
  app.add_option("--segments", options.database, "segment database; default: the installed one")
      ->type_name("DB");
  app.add_option("--keep", options.keep, "share of the vocabulary to use, at random")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 1.0));
  cli.add_seed(options.seed);
  cli.add_input_shapes(options.input_shapes);
  cli.parse();

  ImportOptions import;
  import.input_shapes = parse_input_shapes(options.input_shapes);
  const SegmentDatabase database = SegmentDatabase::load(
      options.database.empty() ? data_file("segments.json") : options.database);
  const Graph graph = import_onnx(options.model, import, cli.log());
  Rng rng(options.seed);
  const std::vector<NetworkSegment> segments = segment_network(database, graph, options.keep, rng);
  if (cli.json()) {
    print_json(cli.out(), graph, segments);
  } else {
    print_table(cli.out(), graph, segments);
  }
  return 0;
}

}  // namespace autogo
