#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "archive.h"
#include "autogo/predict/predictor.h"
#include "net.h"
#include "judgement.h"

namespace autogo {

/// A trained predictor as it is in memory.
struct TrainedNet {
  NetShape shape;
  torch::Tensor weights;  ///< flat
  Judgement judgement;
  std::unordered_set<std::uint64_t> trained_on;  ///< id_hash of every training network
  std::uint64_t seed = 1;
  std::uint64_t content_hash = 0;
};

/// Adds the prior and what it needs to an archive that is to be written.
void put_judgement(Archive& archive, const Judgement& judgement);

/// @throws Error kIo, kInput
TrainedNet read_predictor(const std::string& path);

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
