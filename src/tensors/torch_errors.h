#pragma once

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "autogo/base/error.h"

namespace autogo {

/// Calls a function; LibTorch's failures become ours. What is left after the checks of files and
/// options is our bug, except that memory can end.
template <typename Function>
auto translated(const Function& function) {
  try {
    return function();
  } catch (const c10::Error& e) {
    const std::string text = e.what_without_backtrace();
    if (text.find("memory") != std::string::npos) {
      throw Error(ErrorKind::kIo, "no memory left: " + text.substr(0, text.find('\n')));
    }
    throw Error(ErrorKind::kInternal, "LibTorch: " + text);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, "no memory left");
  }
}

}  // namespace autogo
