#include "search/run/journal.h"

#include <gtest/gtest.h>

#include "autogo/base/file.h"
#include "search_support.h"

namespace autogo {
namespace {

using testing::TemporaryFolder;

TEST(Journal, SealsALineWithTheHashOfWhatIsBefore) {
  const std::string line = seal({{"event", "child"}, {"gain", 0.1}});
  EXPECT_EQ(line.substr(0, 31), R"({"event":"child","gain":0.1,"su)");
  EXPECT_TRUE(line.ends_with("\"}\n"));
  const auto event = unseal(std::string_view(line).substr(0, line.size() - 1));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ((*event)["gain"].get<double>(), 0.1);
}

TEST(Journal, EveryChangedByteIsNoticed) {
  const std::string line = seal({{"event", "child"}, {"gain", 0.25}, {"cut", {3, 5}}});
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    std::string damaged = line.substr(0, line.size() - 1);
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(unseal(damaged).has_value()) << "byte " << i;
  }
}

TEST(Journal, HashesAreSixteenDigits) {
  EXPECT_EQ(hex64(0xabcULL), "0000000000000abc");
  EXPECT_EQ(parse_hex64("fedcba9876543210", "x"), 0xfedcba9876543210ULL);
  EXPECT_THROW(parse_hex64("12", "x"), Error);
  EXPECT_THROW(parse_hex64("fedcba987654321G", "x"), Error);
}

class JournalFile : public ::testing::Test {
 protected:
  void write(int count) {
    Journal journal(path_);
    for (int i = 0; i < count; ++i) journal.append(seal({{"event", "x"}, {"i", i}}));
    journal.sync();
  }
  /// Every event, and the bytes up to the last.
  std::pair<std::vector<Json>, std::uint64_t> read() const {
    JournalReader reader(path_);
    std::vector<Json> events;
    while (auto event = reader.next()) events.push_back(std::move(*event));
    return {events, reader.end()};
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "journal.jsonl";
};

TEST_F(JournalFile, RoundTrip) {
  write(3);
  const auto [events, end] = read();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2]["i"], 2);
  EXPECT_EQ(end, Journal(path_).size());
}

TEST_F(JournalFile, LinesAreReadOneAtATime) {
  write(3);
  JournalReader reader(path_);
  EXPECT_EQ(reader.end(), 0U);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.end(), read_file(path_).find('\n') + 1);
  EXPECT_EQ(reader.where(), path_ + ": line 1");
}

TEST_F(JournalFile, ATornLastLineIsLeftOutWhereverItTore) {
  write(3);
  const std::string whole = read_file(path_);
  const std::size_t two = whole.find("\n", whole.find("\n") + 1) + 1;
  for (std::size_t size = two; size < whole.size(); ++size) {
    write_file_atomic(path_, whole.substr(0, size));
    const auto [events, end] = read();
    ASSERT_EQ(events.size(), 2U) << "at " << size;
    EXPECT_EQ(end, two);
  }
  Journal journal(path_);
  journal.truncate(two);
  journal.append(seal({{"event", "x"}, {"i", 2}}));
  EXPECT_EQ(read_file(path_), whole);
}

TEST_F(JournalFile, DamageBeforeTheLastLineIsAnError) {
  write(3);
  std::string damaged = read_file(path_);
  damaged[damaged.find("\n") + 12] ^= 1;
  write_file_atomic(path_, damaged);
  try {
    read();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInput);
    EXPECT_EQ(std::string(e.what()),
              path_ + ": line 2: the checksum does not match, the file is damaged");
  }
}

TEST_F(JournalFile, ASecondOwnerIsRefused) {
  const Journal journal(path_);
  try {
    const Journal second(path_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_EQ(std::string(e.what()),
              path_ + ": another autogo process works in this run directory");
  }
}

TEST_F(JournalFile, AFailedWriteLeavesTheFileAsItWas) {
  Journal journal(path_);
  const std::string line = seal({{"event", "x"}, {"text", std::string(100, 'a')}});
  journal.append(line);
  std::string text;
  ErrorKind kind = ErrorKind::kInternal;
  try {
    const testing::FileSizeLimit limit(line.size() + 40);  // in the middle of the second line
    journal.append(line);
  } catch (const Error& e) {
    kind = e.kind();
    text = e.what();
  }
  EXPECT_EQ(kind, ErrorKind::kIo);
  EXPECT_EQ(text, path_ + ": cannot write: File too large");
  EXPECT_EQ(read_file(path_), line);
  journal.append(line);
  EXPECT_EQ(read_file(path_), line + line);
}

}  // namespace
}  // namespace autogo
