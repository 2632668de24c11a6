// An optimiser's state as named tensors, so that a checkpoint holds numbers only. LibTorch's own
// way, an archive, is read by an interpreter that runs what it finds.
//
// Tested by tests/tensors/optimizer_state_test.cc.

#include "optimizer_state.h"

#include <torch/optim/adam.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <sstream>
#include <type_traits>
#include <vector>

#include "autogo/base/error.h"

namespace autogo {
namespace {

using torch::Tensor;
namespace optim = torch::optim;

/// One thing that an optimiser keeps for a parameter: a moment, or the number of steps.
struct StateField {
  const char* name;
  Tensor* moment;
  std::int64_t* count = nullptr;
};

// What each optimiser keeps under these options.
std::vector<StateField> fields_of(optim::SGDParamState& s, const optim::SGDOptions& options) {
  if (options.momentum() == 0) return {};
  return {{"momentum_buffer", &s.momentum_buffer()}};
}

std::vector<StateField> fields_of(optim::RMSpropParamState& s,
                                  const optim::RMSpropOptions& options) {
  std::vector<StateField> fields = {{"step", nullptr, &s.step()}, {"square_avg", &s.square_avg()}};
  if (options.momentum() > 0) fields.push_back({"momentum_buffer", &s.momentum_buffer()});
  if (options.centered()) fields.push_back({"grad_avg", &s.grad_avg()});
  return fields;
}

std::vector<StateField> fields_of(optim::AdamParamState& s, const optim::AdamOptions& options) {
  std::vector<StateField> fields = {
      {"step", nullptr, &s.step()}, {"exp_avg", &s.exp_avg()}, {"exp_avg_sq", &s.exp_avg_sq()}};
  if (options.amsgrad()) fields.push_back({"max_exp_avg_sq", &s.max_exp_avg_sq()});
  return fields;
}

/// Under which key an optimiser keeps a parameter: LibTorch 2.1 and newer take the address, older
/// ones the address as text.
template <typename Key>
Key state_key(const Tensor& parameter) {
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

/// Calls visit(prefix of its names, parameter, was it ever stepped, its fields) for each parameter.
/// One that was not stepped is shown empty fields, which stay when `visit` returns true. `State`
/// and `Options` are the optimiser's.
template <typename State, typename Options, typename Visit>
void visit_states(optim::Optimizer& optimizer, const Visit& visit) {
  using Key = std::remove_cvref_t<decltype(optimizer.state().begin()->first)>;
  std::size_t number = 0;
  for (optim::OptimizerParamGroup& group : optimizer.param_groups()) {
    const auto& options = static_cast<const Options&>(group.options());
    for (const Tensor& parameter : group.params()) {
      const Key key = state_key<Key>(parameter);
      const auto found = optimizer.state().find(key);
      const bool stepped = found != optimizer.state().end();
      auto fresh = std::make_unique<State>();
      State& state = stepped ? static_cast<State&>(*found->second) : *fresh;
      const bool keep =
          visit(std::to_string(number++) + "/", parameter, stepped, fields_of(state, options));
      if (keep && !stepped) optimizer.state()[key] = std::move(fresh);
    }
  }
}

template <typename Visit>
void visit_all(optim::Optimizer& optimizer, const Visit& visit) {
  if (dynamic_cast<optim::Adam*>(&optimizer) != nullptr) {
    return visit_states<optim::AdamParamState, optim::AdamOptions>(optimizer, visit);
  }
  if (dynamic_cast<optim::RMSprop*>(&optimizer) != nullptr) {
    return visit_states<optim::RMSpropParamState, optim::RMSpropOptions>(optimizer, visit);
  }
  AUTOGO_CHECK(dynamic_cast<optim::SGD*>(&optimizer) != nullptr);
  visit_states<optim::SGDParamState, optim::SGDOptions>(optimizer, visit);
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::kInput, "the optimiser's state '" + name + "' " + why);
}

void take(const StateField& field, const std::string& name, const Tensor& stored,
          const Tensor& parameter) {
  if (field.count != nullptr) {
    const bool one = stored.scalar_type() == torch::kInt64 && stored.numel() == 1;
    if (!one || stored.item<std::int64_t>() < 0) refuse(name, "is no number of steps");
    *field.count = stored.item<std::int64_t>();
    return;
  }
  if (stored.scalar_type() != parameter.scalar_type() || stored.sizes() != parameter.sizes()) {
    refuse(name, "does not fit its parameter");
  }
  *field.moment = stored.to(parameter.device(), stored.scalar_type(), false, /*copy=*/true);
}

}  // namespace

std::map<std::string, Tensor> optimizer_state(optim::Optimizer& optimizer) {
  std::map<std::string, Tensor> state;
  visit_all(optimizer, [&](const std::string& prefix, const Tensor&, bool stepped,
                           const std::vector<StateField>& fields) {
    for (const StateField& field : fields) {
      if (!stepped) continue;
      state[prefix + field.name] = field.count != nullptr
                                       ? torch::full({1}, *field.count, torch::kInt64)
                                       : field.moment->detach().clone();
    }
    return false;
  });
  return state;
}

void restore_optimizer_state(optim::Optimizer& optimizer,
                             const std::map<std::string, Tensor>& state) {
  std::size_t used = 0;
  optimizer.state().clear();
  visit_all(optimizer, [&](const std::string& prefix, const Tensor& parameter, bool,
                           const std::vector<StateField>& fields) {
    const auto next = state.lower_bound(prefix);
    const bool stepped = next != state.end() && next->first.starts_with(prefix);
    if (!stepped) return false;
    for (const StateField& field : fields) {
      const std::string name = prefix + field.name;
      const auto found = state.find(name);
      if (found == state.end()) refuse(name, "is missing");
      take(field, name, found->second, parameter);
      ++used;
    }
    return true;
  });
  AUTOGO_REQUIRE(used == state.size(), ErrorKind::kInput, "the state is of another optimiser");
}

}  // namespace autogo
