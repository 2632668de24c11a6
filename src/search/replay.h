#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "individual.h"
#include "journal.h"
#include "mutate.h"

namespace autogo {

/// What the journal says of one work item. Children's parents are given by hash.
struct JournalItem {
  std::uint32_t iteration = 0;
  std::uint64_t parent = 0;
  SourceRun run;        ///< without its cost
  SourceResult result;  ///< children: those accepted, duplicates left out
};

/// A journal as the search needs it.
struct JournalContent {
  std::vector<JournalItem> items;
  std::uint32_t complete_iterations = 0;
  std::uint64_t end = 0;  ///< bytes up to the last complete item or iteration
  std::map<std::uint64_t, std::shared_ptr<const Graph>> bodies;  ///< by Mutation::body_hash
};

/// The first line. @param config  hash of what decides the run
OrderedJson begin_event(std::uint64_t config, std::uint64_t input);
OrderedJson body_event(const Mutation& step);
OrderedJson child_event(const JournalItem& item, const Child& child);
OrderedJson item_event(const JournalItem& item);
OrderedJson iteration_event(std::uint32_t iteration, std::uint64_t parents, std::uint64_t children,
                            std::uint64_t front);

/// Reads a journal back, up to the last complete item.
/// @throws Error kInput: damaged, another version, another configuration
JournalContent replay(const Journal& journal, const std::string& where, std::uint64_t config,
                      std::uint64_t input);

}  // namespace autogo
