#include "trainer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "bpe.h"
#include "segment_support.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

using namespace testing;

std::string utf8(const std::vector<Symbol>& symbols) {
  std::string text;
  for (const Symbol s : symbols) append_utf8(s, text);
  return text;
}

std::vector<std::vector<Symbol>> train(const std::vector<std::vector<Symbol>>& sentences,
                                       const std::vector<std::uint64_t>& counts,
                                       const BpeTraining& options) {
  return train_bpe(options, sentences.size(), [&](std::size_t i, std::string& text) {
    text = utf8(sentences[i]);
    return counts.empty() ? 1 : counts[i];
  });
}

/// Sets AUTOGO_SPM_HELPER for the duration of a test.
class ChosenHelper {
 public:
  explicit ChosenHelper(const std::string& path) { ::setenv("AUTOGO_SPM_HELPER", path.c_str(), 1); }
  ~ChosenHelper() { ::unsetenv("AUTOGO_SPM_HELPER"); }
};

std::string script(const TempDir& dir, const std::string& body) {
  const std::string path = (dir / "helper.sh");
  std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
  ::chmod(path.c_str(), 0755);
  return path;
}

std::string training_error() {
  return error_text([] {
    std::vector<std::vector<Symbol>> sentences(20000, std::vector<Symbol>(200, 1));
    train(sentences, {}, {});
  });
}

TEST(Trainer, LearnsTheMostFrequentPairsFirst) {
  BpeTraining options;
  options.vocab_size = 1 + 4 + 3;
  EXPECT_EQ(train({{0, 1, 2, 0, 1, 3, 0, 1, 2}}, {}, options),
            (std::vector<std::vector<Symbol>>{{0, 1}, {0, 1, 2}, {0, 1, 3}}));
}

TEST(Trainer, HonoursCounts) {
  BpeTraining options;
  options.vocab_size = 1 + 4 + 1;
  const std::vector<std::vector<Symbol>> sentences = {{0, 1, 0, 1, 0, 1}, {2, 3}};
  EXPECT_EQ(train(sentences, {1, 1}, options), (std::vector<std::vector<Symbol>>{{0, 1}}));
  EXPECT_EQ(train(sentences, {1, 9}, options), (std::vector<std::vector<Symbol>>{{2, 3}}));
}

TEST(Trainer, StopsWhenNoPairIsLeft) {
  EXPECT_EQ(train({{0, 1}}, {}, {}), (std::vector<std::vector<Symbol>>{{0, 1}}));
  EXPECT_EQ(train({{0}}, {}, {}), (std::vector<std::vector<Symbol>>{}));
}

TEST(Trainer, OurMergingIsSentencePiecesTokenForToken) {
  const TempDir dir;
  std::size_t tokens = 0, strings = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Rng rng(seed);
    // Walks on a random automaton repeat themselves as networks do. Letters of every plane.
    const std::vector<Symbol> letters = {0,     1,     2,      19999, 20000, 20001,
                                         84999, 85000, 149999, 7,     8,     9};
    auto walk = [&](std::size_t length) {
      std::vector<Symbol> text;
      std::size_t at = rng.below(letters.size());
      for (std::size_t i = 0; i < length; ++i) {
        text.push_back(letters[at]);
        at = (at * 5 + 1 + (rng.below(4) == 0 ? rng.below(letters.size()) : 0)) % letters.size();
      }
      return text;
    };
    std::vector<std::vector<Symbol>> corpus;
    for (int i = 0; i < 300; ++i) corpus.push_back(walk(20 + rng.below(200)));
    BpeTraining options;
    options.vocab_size = 150;
    options.model_file = dir / ("m" + std::to_string(seed));
    const Merger merger(train(corpus, {}, options));
    ASSERT_GT(merger.pieces().size(), 100U);

    std::vector<std::vector<Symbol>> fresh = corpus;
    for (int i = 0; i < 1200; ++i) fresh.push_back(walk(1 + rng.below(150)));
    std::vector<std::string> texts;
    for (const auto& symbols : fresh) texts.push_back(utf8(symbols));
    const auto theirs = sentencepiece_encode(options.model_file, texts);
    ASSERT_EQ(theirs.size(), fresh.size());
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      std::vector<std::uint32_t> lengths;
      for (const std::string& piece : theirs[i]) {
        lengths.push_back(static_cast<std::uint32_t>(symbols_from_utf8(piece).size()));
      }
      ASSERT_EQ(merger.merge(fresh[i]), lengths) << "seed " << seed << ", string " << i;
      tokens += lengths.size();
      ++strings;
    }
  }
  EXPECT_EQ(strings, 4500U);
  EXPECT_LT(tokens, 200000U);  // merging happened: a third of the symbols or less
}

TEST(Trainer, SaysThatTheHelperIsMissing) {
  const ChosenHelper chosen("/nowhere/autogo-spm");
  EXPECT_EQ(training_error(), "/nowhere/autogo-spm: cannot be started: No such file or directory");
}

TEST(Trainer, PassesOnWhatTheHelperSays) {
  const TempDir dir;
  const std::string path = script(dir, "echo 'first line' >&2; echo 'no memory' >&2; exit 3");
  const ChosenHelper chosen(path);
  EXPECT_EQ(training_error(), path + ": failed with exit code 3: no memory");
}

TEST(Trainer, SurvivesTheDeathOfTheHelper) {
  const TempDir dir;
  const std::string path = script(dir, "kill -SEGV $$");
  const ChosenHelper chosen(path);
  EXPECT_EQ(training_error(), path + ": was killed by signal 11");
}

TEST(Trainer, RefusesAnAnswerThatIsCutShort) {
  const TempDir dir;
  const std::string path = script(dir, "cat > /dev/null; printf 'piece\\t\\344\\270\\200'");
  const ChosenHelper chosen(path);
  EXPECT_EQ(training_error(), path + ": its answer is cut short");
}

TEST(Trainer, TheHelperRefusesACutInput) {
  EXPECT_EQ(error_text([] {
              train_bpe({}, 2, [](std::size_t i, std::string& text) -> std::uint64_t {
                if (i == 1) throw Error(ErrorKind::kInput, "the corpus is bad");
                append_utf8(1, text);
                return 1;
              });
            }),
            "the corpus is bad");
}

}  // namespace
}  // namespace autogo
