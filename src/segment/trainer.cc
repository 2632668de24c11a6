// Talking to the SentencePiece helper program (tools/spm_helper).
//
// Sentences go down a socket, pieces come back up a pipe, messages land in an unlinked temporary
// file: no file is left behind however either side dies. A socket instead of a pipe downwards,
// because writing to a dead child must be an error here (MSG_NOSIGNAL), not a signal that kills us.
// The helper answers only after it has read everything, so there is no deadlock as long as replies
// are read after the last sentence; `encode` answers line by line and therefore gets its input from
// an unlinked file.
//
// Tested by tests/segment/trainer_test.cc.

#include "trainer.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "autogo/base/error.h"
#include "autogo/base/paths.h"

extern char** environ;

namespace autogo {
namespace {

/// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

[[noreturn]] void throw_system(const std::string& what) {
  throw Error(ErrorKind::kIo, "autogo-spm: " + what + ": " + std::strerror(errno));
}

std::string helper_path() {
  const char* chosen = std::getenv("AUTOGO_SPM_HELPER");
  return chosen != nullptr && *chosen != '\0' ? chosen : helper_program("autogo-spm");
}

[[noreturn]] void throw_not_started(const std::string& path, int failure) {
  throw Error(ErrorKind::kIo, path + ": cannot be started: " + std::strerror(failure))
      .with_hint("install autogo again, or set AUTOGO_SPM_HELPER to the program autogo-spm");
}

using TemporaryFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

TemporaryFile temporary_file() {
  TemporaryFile file(std::tmpfile(), &std::fclose);
  if (!file) throw_system("cannot create a temporary file");
  ::fcntl(::fileno(file.get()), F_SETFD, FD_CLOEXEC);
  return file;
}

/// A running helper. The destructor ends it.
class Helper {
 public:
  /// @param input  what becomes its standard input
  Helper(const std::vector<std::string>& arguments, int input)
      : path_(helper_path()), errors_(temporary_file()) {
    std::array<int, 2> output{};
    if (::pipe2(output.data(), O_CLOEXEC) != 0) throw_system("cannot create a pipe");
    output_.reset(output[0]);
    const Fd write_end(output[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ::fileno(errors_.get()), STDERR_FILENO);
    std::vector<std::string> words = {path_};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, path_.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw_not_started(path_, failed);
  }
  ~Helper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// Everything it still says, until it closes its output.
  std::string read_all() {
    std::string text;
    std::array<char, 1 << 16> buffer;
    for (;;) {
      const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_system("cannot read its answer");
      if (got == 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  /// Waits for its end. @throws Error kIo unless it ended well
  void finish() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) throw_system("cannot wait for it");
    }
    pid_ = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const std::string how = WIFSIGNALED(status)
                                ? "was killed by signal " + std::to_string(WTERMSIG(status))
                                : "failed with exit code " + std::to_string(WEXITSTATUS(status));
    std::string message = last_message();
    Error error(ErrorKind::kIo, path_ + ": " + how + (message.empty() ? "" : ": " + message));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
      error.with_hint("probably out of memory; mine fewer graphs (--sample)");
    }
    throw error;
  }

 private:
  std::string last_message() {
    std::rewind(errors_.get());
    std::string last, text;
    std::array<char, 4096> line;
    while (std::fgets(line.data(), static_cast<int>(line.size()), errors_.get()) != nullptr) {
      text = line.data();
      while (!text.empty() && text.back() == '\n') text.pop_back();
      if (!text.empty()) last = text;
    }
    return last;
  }

  std::string path_;
  TemporaryFile errors_;
  Fd output_;
  pid_t pid_ = 0;
};

/// Buffered writing to a socket; false once the other side is gone.
class SocketWriter {
 public:
  explicit SocketWriter(int fd) : fd_(fd) {}
  bool write(const std::string& text) {
    buffer_ += text;
    return buffer_.size() < (1U << 18) || flush();
  }
  bool flush() {
    for (std::size_t sent = 0; sent < buffer_.size();) {
      const ssize_t n = ::send(fd_, buffer_.data() + sent, buffer_.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    buffer_.clear();
    return true;
  }

 private:
  int fd_;
  std::string buffer_;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace

void require_trainer() {
  const std::string path = helper_path();
  if (::access(path.c_str(), X_OK) != 0) throw_not_started(path, errno);
}

std::vector<std::vector<Symbol>> train_bpe(
    const BpeTraining& options, std::size_t count,
    const std::function<std::uint64_t(std::size_t, std::string&)>& sentence) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    throw_system("cannot create a socket");
  }
  Fd ours(sockets[0]), theirs(sockets[1]);
  std::vector<std::string> arguments = {"train", "--vocab-size", std::to_string(options.vocab_size),
                                        "--max-piece", std::to_string(options.max_piece)};
  if (!options.model_file.empty()) {
    arguments.insert(arguments.end(), {"--model", options.model_file});
  }
  Helper helper(arguments, theirs.get());
  theirs.reset();

  SocketWriter writer(ours.get());
  bool alive = writer.write(std::to_string(count) + "\n");
  std::string line;
  for (std::size_t i = 0; alive && i < count; ++i) {
    line.clear();
    const std::uint64_t times = sentence(i, line);
    alive = writer.write(line + "\t" + std::to_string(times) + "\n");
  }
  writer.flush();
  ours.reset();
  const std::string answer = helper.read_all();
  helper.finish();

  std::vector<std::vector<Symbol>> pieces;
  const std::vector<std::string> lines = split(answer, '\n');
  AUTOGO_REQUIRE(lines.size() >= 2 && lines[lines.size() - 2] == "done", ErrorKind::kIo,
                 helper_path() + ": its answer is cut short");
  for (std::size_t i = 0; i + 2 < lines.size(); ++i) {
    AUTOGO_REQUIRE(lines[i].starts_with("piece\t"), ErrorKind::kIo,
                   helper_path() + ": unexpected answer '" + lines[i].substr(0, 40) + "'");
    pieces.push_back(symbols_from_utf8(std::string_view(lines[i]).substr(6)));
  }
  return pieces;
}

std::vector<std::vector<std::string>> sentencepiece_encode(const std::string& model_file,
                                                           const std::vector<std::string>& texts) {
  const TemporaryFile input = temporary_file();
  for (const std::string& text : texts) {
    std::fwrite(text.data(), 1, text.size(), input.get());
    std::fputc('\n', input.get());
  }
  if (std::fflush(input.get()) != 0) throw_system("cannot write a temporary file");
  std::rewind(input.get());
  Helper helper({"encode", "--model", model_file}, ::fileno(input.get()));
  const std::vector<std::string> lines = split(helper.read_all(), '\n');
  helper.finish();
  std::vector<std::vector<std::string>> pieces;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) pieces.push_back(split(lines[i], '\t'));
  return pieces;
}

}  // namespace autogo
