#include "autogo/cost/cost_model.h"

#include <algorithm>

#include "autogo/base/error.h"
#include "autogo/base/rng.h"

namespace autogo {

CostModels::CostModels(std::vector<std::shared_ptr<const CostModel>> models)
    : models_(std::move(models)) {
  for (const auto& model : models_) {
    const auto infos = model->measures();
    measures_.insert(measures_.end(), infos.begin(), infos.end());
  }
}

std::size_t CostModels::place(std::string_view name, const std::string& option) const {
  for (std::size_t i = 0; i < measures_.size(); ++i) {
    if (measure_word(measures_[i].name) == measure_word(name)) return i;
  }
  throw Error(ErrorKind::kUsage,
              option + ": no such measure '" + std::string(name) + "'; expected one of " + words());
}

std::string CostModels::words() const {
  std::string words;
  for (const MeasureInfo& info : measures_) {
    words += (words.empty() ? "" : ", ") + measure_word(info.name);
  }
  return words;
}

std::vector<double> CostModels::measure(const Graph& graph) const {
  const Graph* const graphs[] = {&graph};
  std::vector<double> values;
  for (const auto& model : models_) {
    const std::vector<double> numbers = model->measure(graphs).at(0);
    AUTOGO_CHECK(numbers.size() == model->measures().size());
    values.insert(values.end(), numbers.begin(), numbers.end());
  }
  return values;
}

Measures CostModels::named(std::span<const double> values) const {
  AUTOGO_CHECK(values.size() == measures_.size());
  Measures named;
  for (std::size_t i = 0; i < values.size(); ++i) named.set(measures_[i].name, values[i]);
  return named;
}

std::uint64_t CostModels::content_hash() const {
  std::uint64_t hash = 0;
  for (const auto& model : models_) hash = hash_combine(hash, model->content_hash());
  return hash;
}

const CostModels& standard_cost_models() {
  static const CostModels models({make_counting_model(), make_memory_model()});
  return models;
}

}  // namespace autogo
