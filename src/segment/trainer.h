#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "labels.h"

namespace autogo {

struct BpeTraining {
  std::uint32_t vocab_size = 2000;  ///< single symbols and the unknown piece included
  std::uint32_t max_piece = 16;     ///< symbols in a piece
  std::string model_file;           ///< SentencePiece's own model is written there; empty: nowhere
};

/// Whether train_bpe can start its helper program, asked before a long reading.
/// @throws Error kIo: it cannot
void require_trainer();

/// Learns pieces of several symbols by byte-pair encoding (SentencePiece, in its helper program).
/// @param count     number of sentences
/// @param sentence  gives sentence i: its symbols as UTF-8 into `text`; @return how often it stands
/// @return          pieces, best first; fewer than asked for when no pair is left
/// @throws Error kIo: the helper program is missing, was killed, or failed (its message is in it)
/// Some 4 s and 80 MB (in the helper) for a million symbols.
std::vector<std::vector<Symbol>> train_bpe(
    const BpeTraining& options, std::size_t count,
    const std::function<std::uint64_t(std::size_t i, std::string& text)>& sentence);

/// The pieces that SentencePiece itself makes of each text under a model file: the oracle of tests.
std::vector<std::vector<std::string>> sentencepiece_encode(const std::string& model_file,
                                                           const std::vector<std::string>& texts);

}  // namespace autogo
