#include "autogo/base/error.h"

namespace autogo {

void throw_check_failure(const char* condition, const char* file, int line) {
  throw Error(ErrorKind::kInternal, std::string("internal check failed: ") + condition + " (" +
                                        file + ":" + std::to_string(line) + ")")
      .with_hint("this is a bug in autogo; please report it with the command and the model");
}

}  // namespace autogo
