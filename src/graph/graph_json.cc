#include "graph_json.h"

#include <algorithm>
#include <limits>

namespace autogo {
namespace {

Json type_to_json(const TensorType& type) {
  Json dims = Json::array();
  for (const std::int64_t d : type.shape.dims()) dims.push_back(d);
  if (type.dtype == DType::kFloat32 && type.layout == default_layout(type.shape) &&
      type.shape.has_rank()) {
    return dims;
  }
  return {{"shape", type.shape.has_rank() ? dims : Json()},
          {"dtype", static_cast<int>(type.dtype)},
          {"layout", static_cast<int>(type.layout)}};
}

TensorType type_from_json(const Json& json, const std::string& where) {
  const bool brief = json.is_array();
  const Json dims = brief ? json : json_member<Json>(json, "shape", where);
  TensorType type;
  if (!dims.is_null()) {
    const auto sizes = json_as<std::vector<std::int64_t>>(dims);
    AUTOGO_REQUIRE(sizes, ErrorKind::kInput, where + ": a shape is not a list of whole numbers");
    try {
      type.shape = Shape(*sizes);
    } catch (Error& e) {
      e.prepend(where);
      throw;
    }
    const bool possible =
        std::ranges::all_of(*sizes, [](std::int64_t d) { return d >= -1 && d <= kMaxDim; });
    AUTOGO_REQUIRE(possible && countable(*sizes), ErrorKind::kInput,
                   where + ": the shape " + to_string(type.shape) + " is impossible");
  }
  type.layout = default_layout(type.shape);
  if (!brief) {
    const int dtype = json_member<int>(json, "dtype", where);
    const int layout = json_member<int>(json, "layout", where);
    AUTOGO_REQUIRE(dtype >= 0 && dtype < 64 && layout >= 0 && layout <= 2, ErrorKind::kInput,
                   where + ": unknown dtype or layout");
    type.dtype = static_cast<DType>(dtype);
    type.layout = static_cast<Layout>(layout);
  }
  return type;
}

/// Calls visit(key, field) for every attribute, so that writing and reading share one list.
template <typename A, typename Visitor>
void visit_attrs(A& a, Visitor&& visit) {
  visit("kernel", a.kernel);
  visit("stride", a.stride);
  visit("dilation", a.dilation);
  visit("pads", a.pads);
  visit("output_padding", a.output_padding);
  visit("padding", a.padding);
  visit("bias", a.bias);
  visit("ceil_mode", a.ceil_mode);
  visit("count_include_pad", a.count_include_pad);
  visit("out_channels", a.out_channels);
  visit("group", a.group);
  visit("axis", a.axis);
  visit("block", a.block);
  visit("alpha", a.alpha);
  visit("beta", a.beta);
  visit("epsilon", a.epsilon);
  visit("digest", a.digest);
  visit("ints", a.ints);
  visit("text", a.text);
}

Json attrs_to_json(const Attrs& attrs) {
  Json json = Json::object();
  Json defaults = Json::object();
  auto write = [](Json& to) {
    return [&to](const char* key, const auto& field) {
      if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(field)>>) {
        to[key] = static_cast<int>(field);
      } else {
        to[key] = field;
      }
    };
  };
  static const Attrs kDefaults;
  visit_attrs(attrs, write(json));
  visit_attrs(kDefaults, write(defaults));
  for (auto it = defaults.begin(); it != defaults.end(); ++it) {
    if (json[it.key()] == it.value()) json.erase(it.key());
  }
  return json;
}

Attrs attrs_from_json(const Json& json, const std::string& where) {
  Attrs attrs;
  std::size_t known = 0;
  visit_attrs(attrs, [&](const char* key, auto& field) {
    if (!json.contains(key)) return;
    ++known;
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_enum_v<Field>) {
      const int value = json_member<int>(json, key, where);
      AUTOGO_REQUIRE(value >= 0 && value <= static_cast<int>(Padding::kSameLower),
                     ErrorKind::kInput, where + ": unknown padding " + std::to_string(value));
      field = static_cast<Field>(value);
    } else {
      field = json_member<Field>(json, key, where);
    }
  });
  AUTOGO_REQUIRE(known == json.size(), ErrorKind::kInput, where + ": unknown attribute");
  return attrs;
}

}  // namespace

Json graph_to_json(const Graph& graph) {
  Json nodes = Json::array();
  for (std::uint32_t n = 0; n < graph.num_nodes(); ++n) {
    const NodeId id{n};
    const Node& node = graph.node(id);
    Json inputs = Json::array();
    for (const ValueId v : graph.inputs(id)) inputs.push_back(index(v));
    Json attrs = attrs_to_json(node.attrs);
    Json types = Json::array();
    if (node.op == OpKind::kInput || node.op == OpKind::kOpaque) {
      for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
        types.push_back(type_to_json(graph.type(graph.output(id, port))));
      }
    }
    Json entry = Json::array({op_name(node.op), std::move(inputs)});
    if (!attrs.empty() || !types.empty()) entry.push_back(std::move(attrs));
    if (!types.empty()) entry.push_back(std::move(types));
    nodes.push_back(std::move(entry));
  }
  return nodes;
}

Graph graph_from_json(const Json& json, const std::string& where) {
  AUTOGO_REQUIRE(json.is_array(), ErrorKind::kInput, where + ": a graph is a list of nodes");
  Graph graph;
  std::vector<ValueId> inputs;
  for (std::size_t n = 0; n < json.size(); ++n) {
    const Json& entry = json[n];
    const std::string at = where + ": node " + std::to_string(n);
    AUTOGO_REQUIRE(entry.is_array() && entry.size() >= 2 && entry.size() <= 4 &&
                       entry[0].is_string() && entry[1].is_array(),
                   ErrorKind::kInput, at + ": expected [op, inputs, attributes, types]");
    const auto op = op_from_name(entry[0].get<std::string>());
    AUTOGO_REQUIRE(op.has_value(), ErrorKind::kInput,
                   at + ": unknown operator '" + entry[0].get<std::string>() + "'");
    inputs.clear();
    for (const Json& v : entry[1]) {
      AUTOGO_REQUIRE(v.is_number_unsigned() && v.get<std::uint64_t>() < graph.num_values(),
                     ErrorKind::kInput, at + ": uses a value that does not exist yet");
      inputs.push_back(ValueId{v.get<std::uint32_t>()});
    }
    Attrs attrs = entry.size() > 2 ? attrs_from_json(entry[2], at) : Attrs{};
    std::vector<Value> values;
    if (entry.size() > 3) {
      for (const Json& type : entry[3]) values.push_back({type_from_json(type, at), NodeId{}});
    }
    try {
      if (*op == OpKind::kOutput) {
        AUTOGO_REQUIRE(inputs.size() == 1, ErrorKind::kInput, "output has one input");
        graph.add_output(inputs[0]);
      } else if (*op == OpKind::kInput || *op == OpKind::kOpaque) {
        AUTOGO_REQUIRE(*op == OpKind::kOpaque || (inputs.empty() && values.size() == 1),
                       ErrorKind::kInput, "input has one type and no inputs");
        graph.add_typed(*op, std::move(attrs), inputs, values);
      } else {
        graph.add(*op, std::move(attrs), inputs);
      }
    } catch (Error& e) {
      e.prepend(at);
      throw;
    }
  }
  return graph;
}

}  // namespace autogo
