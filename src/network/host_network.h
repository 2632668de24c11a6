#pragma once

#include <memory>

#include "autogo/network/network.h"

namespace autogo {

/// The implementation behind make_network().
std::unique_ptr<Network> make_host_network(const Program& program, const NetworkOptions& options);

}  // namespace autogo
