// Corpora of networks drawn at random. Network i of a corpus comes from its own random stream, so a
// longer corpus begins with the networks of a shorter one. A network that was drawn before is
// skipped, by its id and then by the hash of its graph, because ids are not canonical everywhere.
//
// A family may have fewer networks than ids. The drawing ends when every id was drawn, and also
// when nothing new has come for a hundred times as many draws as there are networks so far: the
// last network of a family of n is drawn within 100 n draws but for one time in e^100.
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

constexpr std::uint64_t kDrawsToGiveUp = 10'000, kDrawsToGiveUpEach = 100;

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

[[noreturn]] void refuse_count(const Family& family, std::uint64_t count, std::uint64_t found,
                               const std::string& but) {
  throw Error(ErrorKind::kUsage, std::to_string(count) + " networks, but " +
                                     std::string(family.name) + but + std::to_string(found))
      .with_hint("ask for fewer");
}

}  // namespace

std::uint64_t draw_distinct(const Family& family, const SampleOptions& options,
                            const std::function<void(const std::string& id)>& take) {
  const Rng root(options.seed);
  std::unordered_set<std::string> ids;
  std::unordered_set<std::uint64_t> graphs;
  std::uint64_t repeated = 0, in_a_row = 0;
  for (std::uint64_t draw = 0; graphs.size() < options.count; ++draw) {
    Rng rng = root.fork(draw);
    const std::string id = family.draw(rng, options.wide);
    if (ids.insert(id).second && graphs.insert(canonical_hash(family.build(id))).second) {
      in_a_row = 0;
      take(id);
      continue;
    }
    ++repeated;
    if (family.size > 0 && ids.size() == family.size) {
      refuse_count(family, options.count, graphs.size(), " has only ");
    }
    if (++in_a_row > kDrawsToGiveUp + kDrawsToGiveUpEach * graphs.size()) {
      refuse_count(family, options.count, graphs.size(), " seems to have only ");
    }
  }
  return repeated;
}

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
    summary.repeated = draw_distinct(family, options, [&](const std::string& id) {
      sink(corpus_item_line(id, std::nullopt));
      ++summary.items;
      progress.add();
    });
  });
  return summary;
}

}  // namespace autogo
