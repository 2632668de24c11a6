#include <ostream>

#include "base/json.h"
#include "command.h"

namespace autogo {

int run_version(Cli& cli) {
  cli.examples({"autogo version", "autogo version --json"});
  cli.parse();
  if (cli.json()) {
    OrderedJson object;
    object["version"] = AUTOGO_VERSION;
    object["build_type"] = AUTOGO_BUILD_TYPE;
    object["compiler"] = AUTOGO_COMPILER;
    cli.out() << dump_json(object) << "\n";
  } else {
    cli.out() << "autogo " AUTOGO_VERSION " (" AUTOGO_BUILD_TYPE ", " AUTOGO_COMPILER ")\n";
  }
  return 0;
}

}  // namespace autogo
