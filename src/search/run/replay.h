#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "journal.h"
#include "search/individual.h"
#include "search/mutation/mutate.h"

namespace autogo {

/// What the journal says of one work item. Children's parents are given by hash.
struct JournalItem {
  std::uint32_t iteration = 0;
  std::uint64_t parent = 0;
  SourceRun run;                       ///< without its cost
  SourceResult result;                 ///< children: those accepted, duplicates left out
  std::set<std::uint64_t> new_bodies;  ///< bodies of children that no earlier item has
  std::string where;                   ///< of its last line, for error texts
};

/// What ends an iteration in the journal.
struct IterationTotals {
  std::uint32_t iteration = 0;
  std::uint64_t parents = 0, children = 0, front = 0;
  bool operator==(const IterationTotals&) const = default;
};

/// The first line. @param config  hash of what decides the run
/// @param measures  names of what the lines give by place
OrderedJson begin_event(std::uint64_t config, std::uint64_t input,
                        const std::vector<std::string>& measures);
OrderedJson body_event(const Mutation& step);
OrderedJson child_event(const JournalItem& item, const Child& child);
OrderedJson item_event(const JournalItem& item);
OrderedJson iteration_event(const IterationTotals& totals);

/// A journal read back record by record: a record is a complete work item or the end of an
/// iteration. What it says is checked as far as it can be without the networks (check_item() does
/// the rest). Holds one record at a time.
/// @throws Error kInput from every call: damaged, another version, another configuration
class JournalReplay {
 public:
  /// @param bodies  takes every body that is read
  JournalReplay(const std::string& path, std::uint64_t config, std::uint64_t input,
                const std::vector<std::string>& measures, Bodies& bodies);

  bool has_item() const { return std::holds_alternative<JournalItem>(next_); }
  bool has_totals() const { return std::holds_alternative<IterationTotals>(next_); }
  bool at_end() const { return !has_item() && !has_totals(); }
  JournalItem take_item();
  IterationTotals take_totals();
  /// Of the last line that was read, for error texts.
  std::string where() const { return reader_.where(); }
  /// Bytes up to the end of the last complete record; what follows was torn when the run ended. 0:
  /// not even the first line is whole.
  std::uint64_t end() const { return end_; }

 private:
  void advance();
  void read_body(const Json& event, const std::string& at);
  Child read_child(const Json& event, const std::string& at);
  void finish_item(const Json& event, const std::string& at);

  JournalReader reader_;
  Bodies& bodies_;
  std::size_t num_measures_;
  std::variant<std::monostate, JournalItem, IterationTotals> next_;
  JournalItem open_;                       ///< what was read since the last complete record
  std::set<std::uint64_t> unused_bodies_;  ///< of open_.new_bodies
  std::uint64_t end_ = 0;
};

}  // namespace autogo
