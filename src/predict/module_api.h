#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autogo/predict/predictor.h"

namespace autogo {

/// Changes with every change of anything that crosses the border: this table, Predictor, the
/// options and metrics, Graph, Log, Error.
inline constexpr std::uint32_t kModuleVersion = 6;
inline constexpr const char* kModuleEntry = "autogo_predict_module";

/// What the predict layer's part of autogo_torch.so offers. Both sides are built from the same
/// sources by the same compiler, so C++ types cross; exceptions do too (libstdc++ compares types by
/// name).
struct ModuleApi {
  std::uint32_t version;     ///< kModuleVersion
  std::uint32_t graph_size;  ///< sizeof(Graph): a cheap check of the same
  std::unique_ptr<Predictor> (*load)(const std::string& path, double training_images);
  bool (*train)(const TrainOptions& options, Log& log);
  std::vector<CorpusMetrics> (*evaluate)(const std::string& predictor,
                                         const std::vector<std::string>& corpora, bool all,
                                         int threads, Log& log);
  RefineReport (*refine)(const std::string& predictor, const std::vector<TrainedNetworks>& runs,
                         const std::string& out);
};
using ModuleEntry = const ModuleApi* (*)();

}  // namespace autogo
