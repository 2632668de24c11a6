#include "autogo/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "autogo/base/error.h"
#include "support/temp_dir.h"

namespace autogo {
namespace {

/// Text and kind of the Error that `fn` throws.
std::pair<ErrorKind, std::string> failure(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& e) {
    return {e.kind(), e.what()};
  }
  ADD_FAILURE() << "no error";
  return {ErrorKind::kInternal, ""};
}

void write_gzip(const std::string& path, const std::string& text) {
  gzFile file = ::gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  ASSERT_EQ(::gzclose(file), Z_OK);
}

std::vector<std::string> lines_of(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

TEST(File, ReadsWhatWasWritten) {
  const TempDir dir;
  const std::string content("a\0b\n", 4);
  write_file_atomic(dir / "x", content);
  EXPECT_EQ(read_file(dir / "x"), content);
  const MappedFile mapped(dir / "x");
  ASSERT_EQ(mapped.bytes().size(), 4U);
  EXPECT_EQ(std::memcmp(mapped.bytes().data(), content.data(), 4), 0);
  EXPECT_EQ(dir.count(), 1U);
}

TEST(File, MissingFileAndFolderAreNamed) {
  const TempDir dir;
  const auto missing =
      std::pair(ErrorKind::kIo, dir / "no: cannot open: No such file or directory");
  EXPECT_EQ(failure([&] { read_file(dir / "no"); }), missing);
  EXPECT_EQ(failure([&] { MappedFile file(dir / "no"); }), missing);
  EXPECT_EQ(failure([&] { LineReader reader(dir / "no"); }), missing);
  const auto folder = std::pair(ErrorKind::kIo, dir.path() + ": is a folder, expected a file");
  EXPECT_EQ(failure([&] { read_file(dir.path()); }), folder);
  EXPECT_EQ(failure([&] { MappedFile file(dir.path()); }), folder);
  EXPECT_EQ(failure([&] { LineReader reader(dir.path()); }), folder);
}

TEST(File, PathsThatCannotBeLookedUpAreErrors) {
  const TempDir dir;
  write_file_atomic(dir / "x", "");
  EXPECT_TRUE(path_exists(dir / "x"));
  EXPECT_FALSE(is_folder(dir / "x"));
  EXPECT_TRUE(is_folder(dir.path()));
  EXPECT_FALSE(path_exists(dir / "no"));
  EXPECT_FALSE(is_folder(dir / "x/y"));
  const std::string path = dir / std::string(300, 'n');
  const auto too_long = std::pair(ErrorKind::kIo, path + ": cannot open: File name too long");
  EXPECT_EQ(failure([&] { path_exists(path); }), too_long);
  EXPECT_EQ(failure([&] { is_folder(path); }), too_long);
}

TEST(File, FoldersAreListedInOrder) {
  const TempDir dir;
  for (const char* name : {"b", "a", ".c"}) write_file_atomic(dir / name, "");
  EXPECT_EQ(list_folder(dir.path()), (std::vector<std::string>{".c", "a", "b"}));
  EXPECT_EQ(failure([&] { list_folder(dir / "a"); }),
            std::pair(ErrorKind::kIo, dir / "a: cannot open the folder: Not a directory"));
}

TEST(File, EmptyFileMapsToNothing) {
  const TempDir dir;
  write_file_atomic(dir / "x", "");
  EXPECT_EQ(MappedFile(dir / "x").bytes().size(), 0U);
  EXPECT_EQ(read_file(dir / "x"), "");
  EXPECT_TRUE(lines_of(dir / "x").empty());
}

TEST(File, APipeIsReadWhole) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  const std::string text(200000, 'x');
  for (const bool mapped : {false, true}) {
    std::thread writer([&] { std::ofstream(dir / "pipe", std::ios::binary) << text; });
    std::string found;
    if (mapped) {
      const MappedFile file(dir / "pipe");
      found.assign(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    } else {
      found = read_file(dir / "pipe");
    }
    writer.join();
    EXPECT_EQ(found, text);
  }
}

TEST(File, IsWrittenUnderANewNameThatNobodyCanGuess) {
  const TempDir dir;
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    write_file_atomic(dir / "x", [&](const ByteSink& sink) {
      sink("new");
      for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
        const std::string name = entry.path().filename().string();
        if (name != "x") names.insert(name);
      }
    });
  }
  EXPECT_EQ(names.size(), 20U);
  for (const std::string& name : names) {
    EXPECT_EQ(name.size(), std::string(".autogo-0123456789abcdef.tmp").size()) << name;
    EXPECT_TRUE(name.starts_with(".autogo-") && name.ends_with(".tmp")) << name;
  }
  EXPECT_EQ(dir.count(), 1U);
}

TEST(File, TheLongestNameCanBeWritten) {
  const TempDir dir;
  const std::string name(255, 'n');
  write_file_atomic(dir / name, "new");
  EXPECT_EQ(read_file(dir / name), "new");
}

TEST(File, ADeathInTheMiddleKeepsTheOldFile) {
  const TempDir dir;
  write_file_atomic(dir / "x", "old");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    write_file_atomic(dir / "x", [](const ByteSink& sink) {
      sink("half of the new");
      ::_exit(0);
    });
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(read_file(dir / "x"), "old");
  write_file_atomic(dir / "x", "new");
  EXPECT_EQ(read_file(dir / "x"), "new") << "what the dead one left is in nobody's way";
}

TEST(File, FailedFillKeepsTheOldFileAndLeavesNothing) {
  const TempDir dir;
  write_file_atomic(dir / "x", "old");
  EXPECT_THROW(write_file_atomic(dir / "x",
                                 [](const ByteSink& sink) {
                                   sink("half of the new");
                                   throw Error(ErrorKind::kInput, "bad row");
                                 }),
               Error);
  EXPECT_EQ(read_file(dir / "x"), "old");
  EXPECT_EQ(dir.count(), 1U);
}

TEST(File, FullDiskKeepsTheOldFileAndLeavesNothing) {
  const TempDir dir;
  write_file_atomic(dir / "x", "old");
  // A file size limit makes write() fail as a full disk does, without needing one.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto found = failure([&] { write_file_atomic(dir / "x", std::string(100'000, 'n')); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(found, std::pair(ErrorKind::kIo, dir / "x: cannot write: File too large"));
  EXPECT_EQ(read_file(dir / "x"), "old");
  EXPECT_EQ(dir.count(), 1U);
}

TEST(File, UnwritableFolderIsNamed) {
  const TempDir dir;
  EXPECT_EQ(failure([&] { write_file_atomic(dir / "no/x", "new"); }),
            std::pair(ErrorKind::kIo, dir / "no/x: cannot create: No such file or directory"));
}

TEST(File, ThreadsMayWriteTheSameFile) {
  const TempDir dir;
  const std::string a(50'000, 'a'), b(50'000, 'b');
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) write_file_atomic(dir / "x", a);
  });
  for (int i = 0; i < 50; ++i) write_file_atomic(dir / "x", b);
  other.join();
  const std::string content = read_file(dir / "x");
  EXPECT_TRUE(content == a || content == b) << content.size() << " bytes";
  EXPECT_EQ(dir.count(), 1U);
}

TEST(File, DevicesAreWrittenNotReplaced) {
  EXPECT_EQ(
      failure([] { write_file_atomic("/dev/full", "new"); }),
      std::pair(ErrorKind::kIo, std::string("/dev/full: cannot write: No space left on device")));
  write_file_atomic("/dev/null", "new");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(File, LinksKeepPointing) {
  const TempDir dir;
  write_file_atomic(dir / "x", "old");
  std::filesystem::create_symlink("x", dir / "link");
  write_file_atomic(dir / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "link"));
  EXPECT_EQ(read_file(dir / "x"), "new");
}

TEST(LineReader, ReadsPlainAndGzipAlike) {
  const TempDir dir;
  const std::string text = "one\r\n\nthree" + std::string(200'000, '3') + "\nlast";
  write_file_atomic(dir / "plain", text);
  write_gzip(dir / "zipped", text);
  const std::vector<std::string> expected = {"one", "", "three" + std::string(200'000, '3'),
                                             "last"};
  EXPECT_EQ(lines_of(dir / "plain"), expected);
  EXPECT_EQ(lines_of(dir / "zipped"), expected);
}

TEST(LineReader, CountsLinesAndEndsAtTheEnd) {
  const TempDir dir;
  write_file_atomic(dir / "x", "a\nb\n");
  LineReader reader(dir / "x");
  std::string line;
  EXPECT_EQ(reader.line_number(), 0U);
  EXPECT_TRUE(reader.next(line));
  EXPECT_TRUE(reader.next(line));
  EXPECT_EQ(line, "b");
  EXPECT_EQ(reader.line_number(), 2U);
  EXPECT_FALSE(reader.next(line));
  EXPECT_EQ(reader.line_number(), 2U);
}

TEST(LineReader, TruncatedGzipIsAnError) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919 % 10'007) + "\n";
  write_gzip(dir / "x", text);
  const std::string whole = read_file(dir / "x");
  write_file_atomic(dir / "x", std::string_view(whole).substr(0, whole.size() / 2));
  const auto [kind, what] = failure([&] { lines_of(dir / "x"); });
  EXPECT_EQ(kind, ErrorKind::kInput);
  EXPECT_EQ(what.find(dir / "x: damaged or truncated after line "), 0U) << what;
}

TEST(LineReader, DamagedGzipIsAnError) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919 % 10'007) + "\n";
  write_gzip(dir / "x", text);
  std::string whole = read_file(dir / "x");
  for (std::size_t i = whole.size() / 2; i < whole.size() / 2 + 64; ++i) whole[i] = '\x55';
  write_file_atomic(dir / "x", whole);
  EXPECT_EQ(failure([&] { lines_of(dir / "x"); }).first, ErrorKind::kInput);
}

TEST(ReadGzipFile, UnpacksGzipAndPassesPlainFiles) {
  const TempDir dir;
  const std::string text = "abc\nabc\nabc\nabc\n";
  // `printf 'abc\nabc\nabc\nabc\n' | gzip -n`
  const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0x03, 0x4b, 0x4c, 0x4a, 0xe6, 0x4a, 0x44, 0xc2, 0x00,
                                  0x78, 0x93, 0x0c, 0xed, 0x10, 0x00, 0x00, 0x00};
  const std::string bytes(reinterpret_cast<const char*>(packed), sizeof(packed));
  write_file_atomic(dir / "a.gz", bytes);
  write_file_atomic(dir / "a", text);
  EXPECT_EQ(read_gzip_file(dir / "a.gz"), text);
  EXPECT_EQ(read_gzip_file(dir / "a"), text);
  write_file_atomic(dir / "two.gz", bytes + bytes);  // members follow each other
  EXPECT_EQ(read_gzip_file(dir / "two.gz"), text + text);
  for (std::size_t size = 2; size < bytes.size(); ++size) {
    write_file_atomic(dir / "cut.gz", bytes.substr(0, size));
    EXPECT_THROW(read_gzip_file(dir / "cut.gz"), Error) << size << " bytes";
  }
}

}  // namespace
}  // namespace autogo
