#pragma once

#include <optional>
#include <string>

#include "autogo/corpus/corpus.h"
#include "base/json.h"

namespace autogo {

inline constexpr int kCorpusVersion = 1;
inline constexpr const char* kCorpusFormat = "autogo.corpus";

/// The first line of a corpus file, newline included.
std::string corpus_header_line(const CorpusHeader& header);
/// An item's line, newline included. @param graph  null: generated from the id
std::string corpus_item_line(const std::string& id, std::optional<double> label,
                             const Graph* graph = nullptr);

}  // namespace autogo
