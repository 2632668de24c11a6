#include <algorithm>
#include <ostream>
#include <string>

#include "autogo/graph/op.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

const char* arity_text(const OpInfo& info, std::string& buffer) {
  buffer = std::to_string(info.min_inputs);
  if (info.max_inputs < 0) {
    buffer += "+";
  } else if (info.max_inputs != info.min_inputs) {
    buffer += "-" + std::to_string(info.max_inputs);
  }
  return buffer.c_str();
}

void print_json(std::ostream& out) {
  OrderedJson ops = OrderedJson::array();
  for (const OpInfo& info : op_table()) {
    OrderedJson row;
    row["name"] = info.name;
    row["min_inputs"] = info.min_inputs;
    row["max_inputs"] = info.max_inputs < 0 ? OrderedJson(nullptr) : OrderedJson(info.max_inputs);
    row["weighted"] = info.weighted;
    row["insertable"] = info.insertable;
    row["adjustable"] = info.shape_class != ShapeClass::kFixed;
    row["help"] = info.help;
    ops.push_back(std::move(row));
  }
  OrderedJson object;
  object["ops"] = std::move(ops);
  out << dump_json(object) << "\n";
}

void print_table(std::ostream& out) {
  std::size_t width = 0;
  for (const OpInfo& info : op_table()) width = std::max(width, std::string(info.name).size());
  const auto pad = [](std::string text, std::size_t size) {
    text.resize(std::max(size, text.size()), ' ');
    return text;
  };
  out << pad("operator", width) << "  inputs  insertable  what\n";
  std::string buffer;
  for (const OpInfo& info : op_table()) {
    out << pad(info.name, width) << "  " << pad(arity_text(info, buffer), 6) << "  "
        << pad(info.insertable ? "yes" : "no", 10) << "  " << info.help << "\n";
  }
}

}  // namespace

int run_ops(Cli& cli) {
  cli.examples({"autogo ops", "autogo ops --json"});
  cli.parse();
  if (cli.json()) {
    print_json(cli.out());
  } else {
    print_table(cli.out());
  }
  return 0;
}

}  // namespace autogo
