#pragma once

#include <c10/util/Exception.h>

#include <memory>
#include <new>
#include <string>

#include "autogo/base/error.h"
#include "autogo/network/network.h"

namespace autogo {

/// The implementation behind make_network().
std::unique_ptr<Network> make_host_network(const Program& program, const NetworkOptions& options);

/// LibTorch's failures as ours: what is left after the checks of files and options is our bug,
/// except that memory can end.
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
