#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autogo/predict/predictor.h"
#include "base/json.h"
#include "predictor_file.h"

namespace autogo {

/// The implementations behind predictor.h.
std::unique_ptr<Predictor> load_torch_predictor(const std::string& path, double training_images);
bool train_torch_predictor(const TrainOptions& options, Log& log);
std::vector<CorpusMetrics> evaluate_torch_predictor(const std::string& predictor,
                                                    const std::vector<std::string>& corpora,
                                                    bool all, int threads, Log& log);

RefineReport refine_torch_predictor(const std::string& predictor,
                                    const std::vector<TrainedNetworks>& runs,
                                    const std::string& out);

/// Metrics as JSON, as headers and `--evaluate --json` have them.
Json metrics_json(const CorpusMetrics& metrics);

}  // namespace autogo
