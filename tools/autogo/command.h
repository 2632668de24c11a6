#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autogo/base/error.h"
#include "autogo/base/log.h"

namespace autogo {

/// What every command accepts; set by Cli::parse().
struct GlobalOptions {
  bool json = false;
  bool color = false;  ///< resolved: --no-color, NO_COLOR, TERM=dumb and the terminal
  int verbosity = 0;   ///< number of -v minus one for -q
  ProgressStyle progress = ProgressStyle::kPlain;  ///< resolved; log() has it
  std::string log_file;
};

/// One invocation of a command. A command has four beats: declare options on app(), parse(), call
/// one library function, print to out(). Results go to out(), everything else to err() or log().
/// A command throws Error and never prints one: run_autogo() reports it and picks the exit code.
class Cli {
 public:
  /// @param args  what follows the command's name
  Cli(const std::string& command, const std::string& help, std::vector<std::string> args,
      std::istream& in, std::ostream& out, std::ostream& err);
  ~Cli();
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// The command's parser, the global options declared. Options without a group() are listed as
  /// "Options"; defaults are shown. Commands in two words use app().add_subcommand().
  CLI::App& app();
  /// Command lines to copy, shown above the options. For a subcommand pass its app.
  void examples(std::initializer_list<const char*> lines) { examples(app(), lines); }
  void examples(CLI::App& app, std::initializer_list<const char*> lines);

  /// --jobs/-j with AUTOGO_JOBS; 0 means all cores.
  CLI::Option* add_jobs(int& jobs) { return add_jobs(app(), jobs); }
  CLI::Option* add_jobs(CLI::App& app, int& jobs);
  /// --seed with AUTOGO_SEED.
  CLI::Option* add_seed(std::uint64_t& seed) { return add_seed(app(), seed); }
  CLI::Option* add_seed(CLI::App& app, std::uint64_t& seed);
  /// -o/--output, required.
  CLI::Option* add_output(std::string& path, const std::string& help) {
    return add_output(app(), path, help);
  }
  CLI::Option* add_output(CLI::App& app, std::string& path, const std::string& help);
  /// --input-shape NAME:1x3x224x224, repeatable; parse the strings with parse_input_shapes().
  CLI::Option* add_input_shapes(std::vector<std::string>& shapes) {
    return add_input_shapes(app(), shapes);
  }
  CLI::Option* add_input_shapes(CLI::App& app, std::vector<std::string>& shapes);

  /// Call once, when every option is declared. Variables bound to options hold their values then.
  /// @throws Error kUsage, with the nearest name; HelpRequest
  void parse();

  std::istream& in();
  std::ostream& out();
  std::ostream& err();
  Log& log();  ///< after parse()
  const GlobalOptions& global() const;
  bool json() const { return global().json; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "input:1x3x224x224" or "1x3x224x224" (any single input, key "") to ImportOptions::input_shapes.
/// @throws Error kUsage
std::map<std::string, std::vector<std::int64_t>> parse_input_shapes(
    const std::vector<std::string>& texts);

/// Thrown by Cli::parse() for --help; run_autogo() prints the text and returns 0.
class HelpRequest {
 public:
  explicit HelpRequest(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct Command {
  const char* name;
  const char* help;  ///< one line
  int (*run)(Cli&);  ///< the exit code: 0, or 3, 4, 6, 124 where the command's answer is one
};

int run_corpus(Cli& cli);
int run_doctor(Cli& cli);
int run_export(Cli& cli);
int run_mine(Cli& cli);
int run_mutate(Cli& cli);
int run_ops(Cli& cli);
int run_profile(Cli& cli);
int run_search(Cli& cli);
int run_segment(Cli& cli);
int run_train(Cli& cli);
int run_version(Cli& cli);

/// The whole program: finds the command, runs it, reports errors. @return the exit code
/// @param args  without the program's name
int run_autogo(const std::vector<std::string>& args, std::istream& in, std::ostream& out,
               std::ostream& err);

}  // namespace autogo
