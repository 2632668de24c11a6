// Which parts of a network become modules.
//
// A person who writes a network down makes a module of what has one input and one output: a
// residual block, a stem, a head. Those are the stretches of the topological order between
// positions where a single value is alive. Three rules choose among such positions:
//
//   - a block begins where its input branches;
//   - a block that has joined its branches ends before the next weighted operator or pooling, so
//     that the activation behind a sum still belongs to it;
//   - a chain without branches is cut after a pooling, and before every fifth weighted operator.
//
// Where branches never meet for long (dense blocks, U-Nets) no such position exists. A stretch of
// more than kLongest units is cut where the fewest values are alive, into parts of at least
// kShortest; such a module has several inputs or outputs.
//
// The segments of the database are not used: they end where byte pairs do, in the middle of a
// residual block, which is right for exchanging parts and wrong for reading them.
//
// Tested by tests/codegen/pytorch_test.cc.

#include "sections.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autogo {
namespace {

constexpr std::size_t kLongest = 40, kShortest = 5, kPartMost = 20, kChain = 4;

/// Makes the map smaller.
bool is_pool(const Unit& unit) {
  return unit.last().op_type == "MaxPool" || unit.last().op_type == "AveragePool";
}

/// The first operator of a head.
bool is_global_mean(const Unit& unit) {
  return unit.last().op_type.starts_with("Global") ||
         (unit.idiom == OpKind::kOpaque && unit.last().op_type == "ReduceMean");
}

class Cutter {
 public:
  explicit Cutter(const NetworkView& view)
      : view_(view), units_(view.units()), last_use_(view.program().values.size(), 0) {}

  std::vector<Section> run() {
    measure();
    std::size_t begin = 0;
    bool joined = false;
    std::size_t weighted = 0;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      joined = joined || (joins(i) && width_[i] == 1);
      weighted += is_weighted(units_[i]) ? 1 : 0;
      const bool end = i + 1 == units_.size();
      if (!end && !cuts_after(i, joined, weighted)) continue;
      add(begin, i + 1);
      begin = i + 1;
      joined = false;
      weighted = 0;
    }
    return std::move(sections_);
  }

 private:
  bool joins(std::size_t i) const { return units_[i].inputs.size() > 1; }

  /// width_[i]: values that are alive behind unit i. branches_[i]: the one that is goes to several.
  void measure() {
    std::vector<int> readers(last_use_.size(), 0);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      for (const int v : units_[i].inputs) {
        last_use_[index(v)] = i + 1;
        ++readers[index(v)];
      }
    }
    for (const int v : view_.program().outputs) last_use_[index(v)] = units_.size() + 1;
    width_.assign(units_.size(), 0);
    branches_.assign(units_.size(), false);
    std::vector<int> alive;
    for (const int v : view_.program().inputs) {
      if (last_use_[index(v)] > 0) alive.push_back(v);
    }
    for (std::size_t i = 0; i < units_.size(); ++i) {
      alive.insert(alive.end(), units_[i].outputs.begin(), units_[i].outputs.end());
      std::erase_if(alive, [&](int v) { return last_use_[index(v)] <= i + 1; });
      width_[i] = alive.size();
      branches_[i] = alive.size() == 1 && readers[index(alive[0])] > 1;
    }
  }

  bool cuts_after(std::size_t i, bool joined, std::size_t weighted) const {
    if (width_[i] != 1) return false;
    const Unit& next = units_[i + 1];
    const bool heavy = is_weighted(next) || is_pool(next) || is_global_mean(next);
    if (branches_[i]) return true;
    if (joined && heavy) return true;
    if (is_pool(units_[i]) && weighted > 0 && is_weighted(next)) return true;
    return is_weighted(next) && weighted >= kChain;
  }

  /// A stretch, in parts when it is long.
  void add(std::size_t begin, std::size_t end) {
    const std::size_t most = end - begin > kLongest ? kPartMost : kLongest;
    while (end - begin > most) {
      std::size_t best = begin + kShortest;
      for (std::size_t cut = best; cut <= begin + kPartMost && cut < end; ++cut) {
        if (width_[cut - 1] <= width_[best - 1]) best = cut;
      }
      push(begin, best);
      begin = best;
    }
    push(begin, end);
  }

  void push(std::size_t begin, std::size_t end) {
    Section section{begin, end, {}, {}, {}};
    std::vector<int> made;
    bool weighted = false, joined = false, concat = false;
    for (std::size_t i = begin; i < end; ++i) {
      for (const int v : units_[i].inputs) {
        const bool own = std::ranges::find(made, v) != made.end();
        const bool known = std::ranges::find(section.inputs, v) != section.inputs.end();
        if (!own && !known) section.inputs.push_back(v);
      }
      for (const int v : units_[i].outputs) {
        made.push_back(v);
        if (last_use_[index(v)] > end) section.outputs.push_back(v);
      }
      weighted = weighted || is_weighted(units_[i]);
      const std::string& op = units_[i].last().op_type;
      joined = joined || (joins(i) && (op == "Add" || op == "Sum"));
      concat = concat || (joins(i) && op == "Concat");
    }
    const bool head = end == units_.size() && !joined && !concat && sections_.size() > 1;
    section.kind = joined     ? "Residual"
                   : concat   ? "Concat"
                   : head     ? "Head"
                   : weighted ? "Conv"
                              : "Plain";
    sections_.push_back(std::move(section));
  }

  static std::size_t index(int v) { return static_cast<std::size_t>(v); }

  const NetworkView& view_;
  const std::vector<Unit>& units_;
  std::vector<std::size_t> last_use_;  ///< by value: number of the last unit that reads it, from 1
  std::vector<std::size_t> width_;
  std::vector<bool> branches_;
  std::vector<Section> sections_;
};

}  // namespace

std::vector<Section> find_sections(const NetworkView& view) { return Cutter(view).run(); }

}  // namespace autogo
