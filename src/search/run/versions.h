#pragma once

namespace autogo {

/// An algorithm that decides which networks a run finds.
struct AlgorithmVersion {
  const char* name;
  int version;
};

/// What a journal's lines mean, and how a run goes on, hangs on these. They stand in config.json
/// and in the hash that the journal begins with, so that a run is never continued by an autogo that
/// would make other networks of its lines. Raise a version when its results change:
/// tests/search/versions_test.cc pins them.
inline constexpr AlgorithmVersion kAlgorithms[] = {
    {"canonical_order", 2},  ///< graph/canonical.h: cuts, hashes
    {"propagation", 3},      ///< propagate/propagate.h: which bodies fit, and how
    {"random_streams", 1},   ///< base/rng.h
    {"segmentation", 1},     ///< segment/database.h: sources
    {"search", 3},           ///< src/search/: parents, sources, replacements, the order of work
};

}  // namespace autogo
