#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <numeric>
#include <ostream>

#include "autogo/cost/cost.h"
#include "autogo/onnx/file_nodes.h"
#include "autogo/onnx/model.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

struct ProfileOptions {
  std::string model;
  std::string flops_as = "2macs";
  std::vector<std::string> input_shapes;
  std::uint32_t top = 0;
};

/// One line of the report; ports are no lines.
struct Row {
  NodeId id{};
  std::string name, op, output;
  Cost cost;
  std::int64_t flops = 0, live_bytes = 0;
  bool known = true;
};

struct Profile {
  GraphCost cost;
  std::int64_t flops = 0;
  std::vector<Row> rows;  ///< in order of execution
  std::uint32_t unknown = 0;
  std::string peak_at;  ///< the node that runs when memory peaks
  std::vector<std::pair<std::string, Shape>> inputs;
};

FlopsConvention convention_of(const std::string& name) {
  if (name == "macs") return FlopsConvention::kMacs;
  return name == "autogo" ? FlopsConvention::kAutogo : FlopsConvention::k2Macs;
}

/// "conv 3x3/2", "max_pool 2x2/2": what tells nodes of one operator apart at a glance.
std::string op_text(const Node& node) {
  if (node.op == OpKind::kOpaque) return node.attrs.text + " (opaque)";
  std::string text = op_name(node.op);
  const ShapeClass shape = op_info(node.op).shape_class;
  const bool window = node.op == OpKind::kConv || node.op == OpKind::kConvTranspose ||
                      shape == ShapeClass::kDepthwise || shape == ShapeClass::kPoolLike;
  if (!window) return text;
  const Attrs& a = node.attrs;
  text += " " + std::to_string(a.kernel[0]) + "x" + std::to_string(a.kernel[1]);
  if (a.stride[0] != 1 || a.stride[1] != 1) {
    text += "/" + std::to_string(a.stride[0]);
    if (a.stride[1] != a.stride[0]) text += "," + std::to_string(a.stride[1]);
  }
  if (a.group > 1) text += " g" + std::to_string(a.group);
  return text;
}

Profile make_profile(const Graph& graph, FlopsConvention convention) {
  Profile profile;
  profile.cost = graph_cost(graph);
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    if (node.op == OpKind::kInput) {
      profile.inputs.emplace_back(graph.value_name(graph.output(id)), graph.output_type(id).shape);
    }
    if (node.op == OpKind::kInput || node.op == OpKind::kOutput) continue;
    Row row;
    row.id = id;
    row.name = graph.node_name(id);
    row.op = op_text(node);
    row.output = node.num_outputs > 0 ? to_string(graph.output_type(id).shape) : "";
    row.cost = profile.cost.nodes[n];
    row.flops = node_flops(graph, id, convention);
    row.live_bytes = profile.cost.live_bytes[n];
    row.known = !unknown_cost(graph, id);
    profile.unknown += row.known ? 0 : 1;
    profile.flops += row.flops;
    if (row.live_bytes == profile.cost.peak_activation_bytes && profile.peak_at.empty()) {
      profile.peak_at = row.name;
    }
    profile.rows.push_back(std::move(row));
  }
  return profile;
}

void print_json(const Graph& graph, const Profile& profile, const ProfileOptions& options,
                std::ostream& out) {
  OrderedJson totals;
  totals["macs"] = profile.cost.total.macs;
  totals["flops"] = profile.flops;
  totals["params"] = profile.cost.total.params;
  totals["weight_bytes"] = profile.cost.total.weight_bytes;
  totals["peak_activation_bytes"] = profile.cost.peak_activation_bytes;
  totals["elementwise"] = profile.cost.total.elementwise;
  totals["nodes"] = profile.rows.size();
  totals["unknown_nodes"] = profile.unknown;
  OrderedJson nodes = OrderedJson::array();
  for (const Row& row : profile.rows) {
    OrderedJson node;
    const Node& found = graph.node(row.id);
    node["name"] = row.name;
    node["nodes"] = names_behind(graph, row.id);
    node["op"] = op_name(found.op);
    if (found.op == OpKind::kOpaque) node["type"] = found.attrs.text;
    node["macs"] = row.cost.macs;
    node["flops"] = row.flops;
    node["params"] = row.cost.params;
    node["weight_bytes"] = row.cost.weight_bytes;
    node["elementwise"] = row.cost.elementwise;
    node["live_bytes"] = row.live_bytes;
    node["known"] = row.known;
    OrderedJson shapes = OrderedJson::array();
    for (std::uint32_t port = 0; port < found.num_outputs; ++port) {
      const Shape& shape = graph.type(graph.output(row.id, port)).shape;
      shapes.push_back(shape.has_rank() ? OrderedJson(shape.dims()) : OrderedJson());
    }
    node["output_shapes"] = std::move(shapes);
    nodes.push_back(std::move(node));
  }
  OrderedJson inputs = OrderedJson::array();
  for (const auto& [name, shape] : profile.inputs) {
    inputs.push_back({{"name", name}, {"shape", shape.dims()}});
  }
  OrderedJson json;
  json["format"] = "autogo.profile";
  json["version"] = 1;
  json["model"] = options.model;
  json["flops_as"] = options.flops_as;
  json["inputs"] = std::move(inputs);
  json["totals"] = std::move(totals);
  json["nodes"] = std::move(nodes);
  out << dump_json(json) << "\n";
}

/// "4.09 G"; whole numbers below 1000.
std::string scaled(std::int64_t count) {
  constexpr std::array<const char*, 5> kUnits{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  auto value = static_cast<double>(count);
  while (value >= 999.995 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f%s" : "%.2f%s", value, kUnits[unit]);
  return text.data();
}

std::string scaled_bytes(std::int64_t bytes) {
  const std::string text = scaled(bytes);
  return bytes < 1000 ? text + " B" : text + "B";
}

std::string share(std::int64_t part, std::int64_t whole) {
  std::array<char, 32> text{};
  const double percent =
      whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  std::snprintf(text.data(), text.size(), "%.1f %%", percent);
  return text.data();
}

/// Text in columns: the first `left` flush left, the others right. The last row is the total's.
void print_columns(const std::vector<std::vector<std::string>>& rows, std::size_t left,
                   std::ostream& out) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - row[c].size(), ' ');
      line += (c == 0 ? "" : "  ") + (c < left ? row[c] + pad : pad + row[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

/// The end of a long name tells more than its beginning.
std::string shortened(const std::string& name) {
  constexpr std::size_t kWidth = 44;
  return name.size() <= kWidth ? name : "..." + name.substr(name.size() - kWidth + 3);
}

void print_nodes(const Profile& profile, std::uint32_t top, const std::string& flops_name,
                 std::ostream& out) {
  std::vector<std::size_t> order(profile.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (top > 0) {
    std::ranges::stable_sort(order, std::greater<>(),
                             [&](std::size_t i) { return profile.rows[i].flops; });
    order.resize(std::min<std::size_t>(order.size(), top));
  }
  std::vector<std::vector<std::string>> table{
      {"node", "operation", "output", "MACs", flops_name, "share", "params", "memory"}};
  for (const std::size_t i : order) {
    const Row& row = profile.rows[i];
    table.push_back({shortened(row.name), row.op, row.output,
                     row.known ? scaled(row.cost.macs) : "?", row.known ? scaled(row.flops) : "?",
                     share(row.flops, profile.flops), scaled(row.cost.params),
                     scaled_bytes(row.live_bytes)});
  }
  const Cost& total = profile.cost.total;
  table.push_back({"total", std::to_string(profile.rows.size()) + " nodes", "", scaled(total.macs),
                   scaled(profile.flops), "", scaled(total.params),
                   scaled_bytes(profile.cost.peak_activation_bytes)});
  print_columns(table, 3, out);
}

void print_operators(const Graph& graph, const Profile& profile, const std::string& flops_name,
                     std::ostream& out) {
  struct Sum {
    std::int64_t count = 0, flops = 0, macs = 0, params = 0;
  };
  std::map<std::string, Sum> sums;
  for (const Row& row : profile.rows) {
    Sum& sum = sums[op_name(graph.node(row.id).op)];
    ++sum.count;
    sum.macs += row.cost.macs;
    sum.flops += row.flops;
    sum.params += row.cost.params;
  }
  std::vector<std::pair<std::string, Sum>> sorted(sums.begin(), sums.end());
  std::ranges::stable_sort(sorted, std::greater<>(), [](const auto& s) { return s.second.flops; });
  std::vector<std::vector<std::string>> table{
      {"operator", "nodes", "MACs", flops_name, "share", "params"}};
  for (const auto& [name, sum] : sorted) {
    table.push_back({name, std::to_string(sum.count), scaled(sum.macs), scaled(sum.flops),
                     share(sum.flops, profile.flops), scaled(sum.params)});
  }
  print_columns(table, 1, out);
}

void print_text(const Graph& graph, const Profile& profile, const ProfileOptions& options,
                std::ostream& out) {
  const std::string flops_name = "FLOPs (" + options.flops_as + ")";
  out << options.model << ":";
  for (const auto& [name, shape] : profile.inputs) out << " " << name << " " << to_string(shape);
  out << "\n\n";
  print_nodes(profile, options.top, flops_name, out);
  out << "\n";
  print_operators(graph, profile, flops_name, out);
  const Cost& total = profile.cost.total;
  out << "\n";
  print_columns({{"multiply-accumulates", std::to_string(total.macs)},
                 {flops_name, std::to_string(profile.flops)},
                 {"parameters", std::to_string(total.params)},
                 {"weights", scaled_bytes(total.weight_bytes)},
                 {"peak activations",
                  scaled_bytes(profile.cost.peak_activation_bytes) +
                      (profile.peak_at.empty() ? "" : " while " + profile.peak_at + " runs")}},
                2, out);
  if (profile.unknown > 0) {
    out << "\nnote: the cost of " << profile.unknown
        << (profile.unknown == 1 ? " node is" : " nodes is")
        << " not known and counts 0, marked '?' above\n";
  }
}

}  // namespace

int run_profile(Cli& cli) {
  ProfileOptions options;
  CLI::App& app = cli.app();
  cli.examples({"autogo profile resnet50.onnx",
                "autogo profile detector.onnx --input-shape images:1x3x640x640 --json"});
  app.add_option("model", options.model, "the model, an ONNX file")->type_name("FILE")->required();
  app.add_option("--flops-as", options.flops_as,
                 "what a FLOP is: a multiply-accumulate, half of one, or as AutoGO's tables count")
      ->type_name("macs|2macs|autogo")
      ->check(CLI::IsMember({"macs", "2macs", "autogo"}));
  app.add_option("--top", options.top, "show only the N most expensive nodes; 0 shows all in order")
      ->type_name("N");
  cli.add_input_shapes(options.input_shapes);
  cli.parse();

  ImportOptions import;
  import.input_shapes = parse_input_shapes(options.input_shapes);
  const Graph graph = import_onnx(options.model, import, cli.log());
  const Profile profile = make_profile(graph, convention_of(options.flops_as));
  if (cli.json()) {
    print_json(graph, profile, options, cli.out());
  } else {
    print_text(graph, profile, options, cli.out());
  }
  return 0;
}

}  // namespace autogo
