#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "autogo/base/parallel.h"
#include "autogo/base/paths.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

struct Finding {
  std::string part;
  bool ok = false;
  std::string text;  ///< where it is, or what is wrong and what to do
};

Finding look(const std::string& part, const std::function<std::string()>& find) {
  try {
    return {part, true, find()};
  } catch (const Error& e) {
    return {part, false, std::string(e.what()) + (e.hint().empty() ? "" : "; " + e.hint())};
  }
}

std::vector<Finding> examine() {
  std::vector<Finding> findings;
  findings.push_back(look("segment database", [] { return data_file("segments.json"); }));
  findings.push_back(look("predictor", [] { return data_file("predictor.pt"); }));
  findings.push_back(look("sample models", [] { return data_file("models"); }));
  findings.push_back(look("segment trainer", [] { return helper_program("autogo-spm"); }));
  findings.push_back(look("predictor module", [] { return module_file("autogo_torch.so"); }));
  findings.push_back({"cores", true, std::to_string(available_threads())});
  return findings;
}

}  // namespace

int run_doctor(Cli& cli) {
  cli.examples({"autogo doctor", "autogo doctor --json"});
  cli.parse();
  const std::vector<Finding> findings = examine();
  bool ok = true;
  OrderedJson list = OrderedJson::array();
  for (const Finding& finding : findings) {
    ok = ok && finding.ok;
    if (cli.json()) {
      OrderedJson row;
      row["part"] = finding.part;
      row["ok"] = finding.ok;
      row["text"] = finding.text;
      list.push_back(std::move(row));
    } else {
      cli.out() << (finding.ok ? "ok       " : "missing  ") << finding.part << ": " << finding.text
                << "\n";
    }
  }
  if (cli.json()) {
    OrderedJson object;
    object["version"] = AUTOGO_VERSION;
    object["ok"] = ok;
    object["parts"] = std::move(list);
    cli.out() << object.dump() << "\n";
  }
  return ok ? 0 : 3;
}

}  // namespace autogo
