// Corpora of networks drawn at random. Network i of a corpus comes from its own random stream, so a
// longer corpus begins with the networks of a shorter one. A network that was drawn before is
// skipped, by its id and then by the hash of its graph, because ids are not canonical everywhere.
//
// Tested by tests/corpus/sample_test.cc.

#include <unordered_set>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/base/progress.h"
#include "autogo/corpus/corpus.h"
#include "autogo/graph/canonical.h"
#include "corpus_file.h"
#include "families.h"

namespace autogo {
namespace {

const Family& sampled_family(const SampleOptions& options) {
  const Family* family = family_named(options.family);
  AUTOGO_REQUIRE(family != nullptr && family->draw != nullptr, ErrorKind::kUsage,
                 "the networks of '" + options.family + "' are not sampled");
  AUTOGO_REQUIRE(options.count > 0, ErrorKind::kUsage, "a corpus of 0 networks");
  AUTOGO_REQUIRE(family->size == 0 || options.count <= family->size, ErrorKind::kUsage,
                 std::to_string(options.count) + " networks, but " + options.family + " has only " +
                     std::to_string(family->size));
  return *family;
}

}  // namespace

CorpusSummary write_sampled_corpus(const SampleOptions& options, const std::string& out, Log& log) {
  const Family& family = sampled_family(options);
  CorpusHeader header;
  header.family = family.name;
  header.source = "sampled with seed " + std::to_string(options.seed);
  if (options.wide) header.source += ", wide";
  header.size = options.count;
  CorpusSummary summary;
  write_file_atomic(out, [&](const ByteSink& sink) {
    sink(corpus_header_line(header));
    Progress progress(log, "sampling", options.count, "networks");
    const Rng root(options.seed);
    std::unordered_set<std::string> ids;
    std::unordered_set<std::uint64_t> graphs;
    for (std::uint64_t draw = 0; summary.items < options.count; ++draw) {
      Rng rng = root.fork(draw);
      const std::string id = family.draw(rng, options.wide);
      if (!ids.insert(id).second || !graphs.insert(canonical_hash(family.build(id))).second) {
        ++summary.repeated;
        continue;
      }
      sink(corpus_item_line(id, std::nullopt));
      ++summary.items;
      progress.add();
    }
  });
  return summary;
}

}  // namespace autogo
