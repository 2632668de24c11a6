#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "autogo/cost/measures.h"
#include "autogo/graph/graph.h"
#include "autogo/graph/segment.h"

namespace autogo {

/// One of the numbers that a cost model gives.
struct MeasureInfo {
  std::string name;  ///< as in JSON: "peak_memory"
  std::string unit;  ///< for people: "MACs", "bytes"
  std::string help;  ///< a line, for --help
  bool whole = true;  ///< a count, written without a fraction
};

/// How dear a cost model's answers are, and so of whom it is asked.
enum class CostTier : std::uint8_t {
  kEveryCandidate,  ///< microseconds: before a candidate is scored or even made
  kSurvivors,       ///< milliseconds and more (a run, a simulator): of those that pass all else, in
                    ///< batches; what it says goes into the journal and is never asked again
};

/// What a cost model knows of one cut of one network, computed once.
class CostContext {
 public:
  virtual ~CostContext() = default;
};

/// Gives measures of networks (DESIGN.md, "Measures"); it has the shape of a Predictor. Whether a
/// measure adds up over nodes, over segments or only over the whole network is its own matter. Const
/// calls are thread-safe. A lower number is better.
class CostModel {
 public:
  virtual ~CostModel() = default;
  virtual std::span<const MeasureInfo> measures() const = 0;
  virtual CostTier tier() const = 0;
  /// Of whatever decides its answers: a run is not continued with another.
  virtual std::uint64_t content_hash() const = 0;

  /// Of whole networks. @return for each, in their order, a number a measure
  virtual std::vector<std::vector<double>> measure(std::span<const Graph* const> graphs) const = 0;

  /// Computes what does not depend on the replacement. `graph` and `cut.order` must outlive it.
  virtual std::unique_ptr<CostContext> prepare(const Graph& graph, const Cut& cut) const = 0;
  /// The network with the candidate in place of the cut: the same numbers that measure() gives of
  /// the spliced graph. @return a number a measure
  virtual std::vector<double> measure_candidate(const CostContext& context,
                                                const Candidate& candidate) const = 0;
};

/// macs, flops (2 x macs), params and weight_bytes, which add up over nodes (node_cost()), but for
/// weights that several nodes read.
std::unique_ptr<CostModel> make_counting_model();
/// peak_memory: GraphCost::peak_activation_bytes, of the whole network only.
std::unique_ptr<CostModel> make_memory_model();

/// Several cost models as one list of measures.
class CostModels {
 public:
  CostModels() = default;
  explicit CostModels(std::vector<std::shared_ptr<const CostModel>> models);

  std::span<const std::shared_ptr<const CostModel>> models() const { return models_; }
  /// Of all models, one behind the other.
  const std::vector<MeasureInfo>& measures() const { return measures_; }
  /// Place in measures(), by the name as in JSON or on the command line. @throws Error kUsage, with
  /// those that there are; `option` names what asked
  std::size_t place(std::string_view name, const std::string& option) const;
  /// The names as on the command line, in order: "macs, flops, ...".
  std::string words() const;
  /// All measures of a network, by place.
  std::vector<double> measure(const Graph& graph) const;
  /// Values by place, with their names.
  Measures named(std::span<const double> values) const;
  std::uint64_t content_hash() const;

 private:
  std::vector<std::shared_ptr<const CostModel>> models_;
  std::vector<MeasureInfo> measures_;
};
/// The counting and the memory model.
const CostModels& standard_cost_models();

}  // namespace autogo
