#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "archive.h"
#include "judgement.h"
#include "predict/net/net.h"

namespace autogo {

/// @throws Error kUsage
PredictorKind parse_kind(const std::string& kind);
const char* kind_name(PredictorKind kind);

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

}  // namespace autogo
