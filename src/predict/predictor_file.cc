// A predictor's file in memory (docs/formats.md, "Predictor"). A hash that is right says nothing:
// all that the scoring relies on is checked, so that a file is refused or works.
//
// Tested by tests/predict/archive_test.cc.

#include "predictor_file.h"

#include <algorithm>
#include <vector>

#include "autogo/base/error.h"

namespace autogo {
namespace {

/// Files from before the recipe named their number: the operator table had these.
constexpr std::int64_t kOperatorsOfOldFiles = 47;

Judgement take_judgement(const Archive& archive, const std::string& path) {
  Judgement judgement;
  const auto size = static_cast<std::int64_t>(kTraits);
  const torch::Tensor prior = finite_tensor(archive, "prior", torch::kFloat64, 3 * size, path);
  const auto* numbers = prior.data_ptr<double>();
  for (Traits* part : {&judgement.prior.brief, &judgement.prior.full, &judgement.prior.means}) {
    std::copy_n(numbers, kTraits, part->begin());
    numbers += kTraits;
  }
  const torch::Tensor errors = archive_tensor(archive, "gain_errors", torch::kFloat64, 2, path);
  judgement.net_error = errors[0].item<double>();
  judgement.prior_error = errors[1].item<double>();
  const torch::Tensor span = archive_tensor(archive, "label_span", torch::kFloat64, 3, path);
  judgement.span = {span[0].item<double>(), span[1].item<double>(), span[2].item<double>()};
  AUTOGO_REQUIRE(judgement.span.lowest <= judgement.span.highest && judgement.span.largest_gain > 0,
                 ErrorKind::kInput, path + ": tensor 'label_span' is no span");
  const torch::Tensor rows = archive_tensor(archive, "known_rows", torch::kInt64, -1, path);
  const auto* hashes = rows.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    judgement.familiarity.rows.insert(static_cast<std::uint64_t>(hashes[i]));
  }
  const torch::Tensor ranges = archive_tensor(archive, "ranges", torch::kFloat64, -1, path);
  AUTOGO_REQUIRE(ranges.numel() % (2 * size) == 0, ErrorKind::kInput,
                 path + ": tensor 'ranges' has " + std::to_string(ranges.numel()) +
                     " elements, expected pairs for " + std::to_string(size) + " traits");
  AUTOGO_REQUIRE(!ranges.isnan().any().item<bool>(), ErrorKind::kInput,
                 path + ": tensor 'ranges' holds NaN");
  numbers = ranges.data_ptr<double>();
  for (std::int64_t i = 0; i < ranges.numel(); i += 2 * size) {
    auto& range = judgement.familiarity.ranges.emplace_back();
    for (std::size_t k = 0; k < kTraits; ++k, numbers += 2) range[k] = {numbers[0], numbers[1]};
  }
  if (archive.tensors.count("refinement") > 0) {
    const torch::Tensor refinement =
        finite_tensor(archive, "refinement", torch::kFloat64, 1 + kRefinedTraits, path);
    numbers = refinement.data_ptr<double>();
    judgement.refinement.emplace().trust = numbers[0];
    std::copy_n(numbers + 1, kRefinedTraits, judgement.refinement->slopes.begin());
    judgement.length = json_member<double>(json_member<Json>(archive.header, "refined", path),
                                           "training_length", path + ": refined");
  }
  return judgement;
}

}  // namespace

PredictorKind parse_kind(const std::string& kind) {
  if (kind == "psc") return PredictorKind::kPsc;
  AUTOGO_REQUIRE(kind == "gnn", ErrorKind::kUsage, "kind '" + kind + "': expected 'psc' or 'gnn'");
  return PredictorKind::kGnn;
}

const char* kind_name(PredictorKind kind) { return kind == PredictorKind::kPsc ? "psc" : "gnn"; }

void put_judgement(Archive& archive, const Judgement& judgement) {
  std::vector<double> prior;
  for (const Traits& part : {judgement.prior.brief, judgement.prior.full, judgement.prior.means}) {
    prior.insert(prior.end(), part.begin(), part.end());
  }
  std::vector<std::int64_t> rows;
  for (const std::uint64_t hash : judgement.familiarity.rows) {
    rows.push_back(static_cast<std::int64_t>(hash));
  }
  std::sort(rows.begin(), rows.end());
  std::vector<double> ranges;
  for (const auto& family : judgement.familiarity.ranges) {
    for (const auto& range : family) ranges.insert(ranges.end(), range.begin(), range.end());
  }
  archive.tensors["gain_errors"] =
      torch::tensor({judgement.net_error, judgement.prior_error}, torch::kFloat64);
  archive.tensors["label_span"] =
      torch::tensor({judgement.span.lowest, judgement.span.highest, judgement.span.largest_gain},
                    torch::kFloat64);
  archive.tensors["prior"] = torch::tensor(prior, torch::kFloat64);
  archive.tensors["known_rows"] = torch::tensor(rows, torch::kInt64);
  archive.tensors["ranges"] = torch::tensor(ranges, torch::kFloat64);
}

TrainedNet read_predictor(const std::string& path) {
  const Archive archive = read_archive(path, kPredictorFile);
  const Json recipe = json_member<Json>(archive.header, "recipe", path);
  const std::string where = path + ": recipe";
  TrainedNet net;
  const auto kind = json_member<std::string>(recipe, "kind", where);
  AUTOGO_REQUIRE(kind == "psc" || kind == "gnn", ErrorKind::kInput,
                 where + ": kind '" + kind + "', expected 'psc' or 'gnn'");
  net.shape.kind = parse_kind(kind);
  net.shape.width = json_member<std::int64_t>(recipe, "width", where);
  net.shape.head = json_member<std::int64_t>(recipe, "head", where);
  const auto fits = [](std::int64_t size) { return size > 0 && size <= 4096 && size % 32 == 0; };
  AUTOGO_REQUIRE(fits(net.shape.width) && fits(net.shape.head), ErrorKind::kInput,
                 where + ": width and head must be multiples of 32 up to 4096");
  net.seed = json_member<std::uint64_t>(recipe, "seed", where);
  const auto operators = recipe.contains("operators")
                             ? json_member<std::int64_t>(recipe, "operators", where)
                             : kOperatorsOfOldFiles;
  AUTOGO_REQUIRE(operators > 0 && operators <= kNumOps, ErrorKind::kInput,
                 where + ": " + std::to_string(operators) + " operators, this autogo knows " +
                     std::to_string(kNumOps));
  const NetWeights weights(net.shape);
  net.weights = weights.extended(
      finite_tensor(archive, "weights", torch::kFloat32, weights.size(operators), path), operators);
  const torch::Tensor trained = archive_tensor(archive, "trained_on", torch::kInt64, -1, path);
  const auto* ids = trained.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < trained.numel(); ++i) {
    net.trained_on.insert(static_cast<std::uint64_t>(ids[i]));
  }
  net.judgement = take_judgement(archive, path);
  net.content_hash = archive.content_hash;
  return net;
}

}  // namespace autogo
