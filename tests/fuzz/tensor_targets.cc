// Files of tensors: checkpoints of trainings, predictors and their checkpoints. Their hash is made
// right again after an edit, so that what stands behind it is read.

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "autogo/base/file.h"
#include "autogo/base/hash.h"
#include "autogo/predict/predictor.h"
#include "mutation.h"
#include "network/training/checkpoint.h"
#include "search/search_support.h"
#include "support/temp_dir.h"
#include "target.h"

namespace autogo::fuzz {
namespace {

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A good file, its first line and what follows apart.
struct TensorBytes {
  explicit TensorBytes(std::string bytes) : file(std::move(bytes)) {
    const std::size_t end = file.find('\n');
    header = parse_json(file.substr(0, end), "file");
    body = file.substr(end + 1);
  }

  /// Edited, most often with a right hash: the header, or numbers of the tensors.
  std::string edited(Rng& rng) const {
    if (rng.below(8) == 0) return edit_bytes(file, rng);
    Json line = header;
    std::string tensors = body;
    if (rng.below(3) == 0 && tensors.size() >= 8) {
      for (std::uint64_t edit = 1 + rng.below(3); edit-- > 0;) edit_number(tensors, rng);
    } else {
      for (std::uint64_t edit = 1 + rng.below(3); edit-- > 0;) edit_json(line, rng);
    }
    if (line.is_object()) {
      line["file_hash"] = std::string(16, '0');
      line["file_hash"] = right_hash(line, tensors);
    }
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n" + tensors;
  }

  std::string file, body;
  Json header;

 private:
  static void edit_number(std::string& tensors, Rng& rng) {
    const std::size_t at = rng.below(tensors.size() / 8) * 8;
    const double real = odd_real(rng);
    const auto single = static_cast<float>(real);
    const std::int64_t integer = odd_integer(rng);
    switch (rng.below(3)) {
      case 0:
        std::memcpy(&tensors[at], &real, 8);
        break;
      case 1:
        std::memcpy(&tensors[at], &single, 4);
        break;
      default:
        std::memcpy(&tensors[at], &integer, 8);
    }
  }

  /// Of the first line and then of all that follows.
  static std::string right_hash(const Json& line, const std::string& tensors) {
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const std::uint64_t seed = hash_bytes(text.data(), text.size());
    return hex64(hash_bytes(tensors.data(), tensors.size(), seed));
  }
};

std::string good_checkpoint() {
  Checkpoint checkpoint;
  const auto bytes = std::make_shared<const std::string>(56, 'x');
  const std::string_view all(*bytes);
  checkpoint.tensors["step"] = {DType::kInt64, {}, all.substr(0, 8), bytes};
  checkpoint.tensors["w"] = {DType::kFloat32, {3, 4}, all.substr(8), bytes};
  checkpoint.state.before.resize(1);
  checkpoint.state.epochs.resize(1);
  const TempDir folder;
  write_checkpoint(folder / "c", checkpoint);
  return read_file(folder / "c");
}

class CheckpointTarget : public Target {
 public:
  std::string name() const override { return "checkpoint"; }
  std::string make(Rng& rng) const override { return good_.edited(rng); }
  void use(const std::string& input, const std::string& folder) const override {
    const std::string path = folder + "/c";
    write(path, input);
    attempt([&] { read_checkpoint(path); });
  }

 private:
  const TensorBytes good_{good_checkpoint()};
};

/// The shipped predictor with fewer networks in its list of those that it was trained on.
std::string small_predictor() {
  std::string file = read_file(std::string(AUTOGO_SOURCE_DIR) + "/data/predictor.pt");
  const std::size_t end = file.find('\n');
  Json header = parse_json(file.substr(0, end), "predictor.pt");
  std::size_t at = end + 1;
  for (Json& row : header.at("tensors")) {
    std::size_t size = dtype_size(static_cast<DType>(row.at(1).get<int>()));
    for (const Json& d : row.at(2)) size *= d.get<std::size_t>();
    if (row.at(0) == "trained_on") {
      row.at(2) = {4};
      file.erase(at + 32, size - 32);
      size = 32;
    }
    at += size;
  }
  for (Json& corpus : header.at("corpora")) corpus["label_quantiles"] = {0.1, 0.2};
  return header.dump() + file.substr(end);
}

/// LibTorch is loaded here, before the fork, and runs in the children only.
class PredictorTarget : public Target {
 public:
  PredictorTarget() : network_(testing::residual_network()), uses_(network_) {
    attempt([] { load_predictor("none"); });
  }
  std::string name() const override { return "predictor"; }
  std::string make(Rng& rng) const override { return good_.edited(rng); }
  void use(const std::string& input, const std::string& folder) const override {
    const std::string path = folder + "/p.pt";
    write(path, input);
    std::unique_ptr<Predictor> predictor;
    if (!attempt([&] { predictor = load_predictor(path, 1000); })) return;
    predictor->knowledge(network_);
    predictor->content_hash();
    const std::vector<NodeId> order = canonical_order(network_, NodeIdentity::kSegment);
    const Cut cut{order, 2, 4};
    const auto context = predictor->prepare(network_, cut);
    predictor->score_original(*context);
    const Ports ports = segment_ports(network_, uses_, cut);
    const Graph body = extract_segment(network_, ports, cut);
    const std::vector<Candidate> candidates{{&body, ports.inputs, ports.outputs}};
    predictor->score(*context, candidates);
    attempt([&] {
      TrainedNetworks run;
      run.name = "run";
      run.graphs.assign(5, network_);
      run.metrics = {1, 2, 3, 4, 5};
      refine_predictor(path, {run}, folder + "/r.pt");
      load_predictor(folder + "/r.pt");
    });
  }

 private:
  const TensorBytes good_{small_predictor()};
  Graph network_;
  Uses uses_;
};

/// Checkpoints of a training of a predictor.
class TrainerTarget : public Target {
 public:
  TrainerTarget() {
    write(folder_ / "c.jsonl",
          R"({"format":"autogo.corpus","version":1,"family":"nasbench201","label":"a"})"
          "\n"
          R"({"id":"nb201:333s33","label":94})"
          "\n"
          R"({"id":"nb201:111111","label":93})"
          "\n"
          R"({"id":"nb201:131313","label":92})"
          "\n");
    options_.corpora = {folder_ / "c.jsonl"};
    options_.out = folder_ / "p.pt";
    options_.threads = 1;
    options_.epochs = 1;
    options_.test_share = 0;
    options_.stop = &stop_;
    train_predictor(options_, null_log());
    good_ = std::make_unique<TensorBytes>(read_file(options_.out + ".checkpoint"));
  }
  std::string name() const override { return "trainer"; }
  std::string make(Rng& rng) const override { return good_->edited(rng); }
  void use(const std::string& input, const std::string& folder) const override {
    TrainOptions options = options_;
    options.out = folder + "/p.pt";
    options.resume = true;
    write(options.out + ".checkpoint", input);
    attempt([&] { train_predictor(options, null_log()); });
  }

 private:
  const TempDir folder_;
  TrainOptions options_;
  const std::atomic<bool> stop_{true};
  std::unique_ptr<TensorBytes> good_;
};

}  // namespace

std::unique_ptr<Target> checkpoint_target() { return std::make_unique<CheckpointTarget>(); }
std::unique_ptr<Target> predictor_target() { return std::make_unique<PredictorTarget>(); }
std::unique_ptr<Target> trainer_target() { return std::make_unique<TrainerTarget>(); }

}  // namespace autogo::fuzz
