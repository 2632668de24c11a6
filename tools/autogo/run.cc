// The table of commands, and the one place where an error becomes a line and an exit code.

#include <algorithm>
#include <istream>
#include <new>
#include <ostream>

#include "autogo/base/spelling.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

constexpr Command kCommands[] = {
    {"corpus", "make a corpus of graphs from a benchmark table or a folder of models", run_corpus},
    {"doctor", "tell what is installed and works", run_doctor},
    {"export", "write a model or a run's network as ONNX", run_export},
    {"mine", "learn a segment database from corpora", run_mine},
    {"mutate", "make random neighbours of a network", run_mutate},
    {"ops", "list the operators that autogo knows", run_ops},
    {"profile", "count multiply-accumulates, parameters and memory of a model", run_profile},
    {"search", "search for better networks, starting from a model", run_search},
    {"segment", "split a model into the segments of a database", run_segment},
    {"train", "train networks, or a predictor", run_train},
    {"version", "print the version and how autogo was built", run_version},
};

/// docs/commands.md, "Exit codes".
int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kIo:
      return 1;
    case ErrorKind::kUsage:
      return 2;
    case ErrorKind::kInfeasible:
      return 4;
    case ErrorKind::kInput:
      return 5;
    case ErrorKind::kUnsupported:
      return 5;
    case ErrorKind::kInternal:
      break;
  }
  return 70;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : kCommands) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

void print_help(std::ostream& out) {
  out << "autogo: a network as an ONNX file in, better networks out.\n\n"
         "Examples:\n"
         "  autogo search --model resnet50.onnx --objective flops --seed 1 -o run\n"
         "  autogo profile resnet50.onnx\n\n"
         "Usage: autogo COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    out << "  " << command.name << std::string(12 - std::string(command.name).size(), ' ')
        << command.help << "\n";
  }
  out << "\nGlobal options, before or after the command:\n"
         "  -h,--help                   show help; after a command, that command's\n"
         "  --version                   print the version\n"
         "  -v,--verbose, -q,--quiet    say more or less; repeatable\n"
         "  --json                      print JSON; an error is {code, message, hint}\n"
         "  --progress auto|plain|none  how to report progress\n"
         "  --no-color                  no colours\n"
         "  --log-file FILE             write every message there too\n"
         "  --config FILE               read options from a TOML file\n";
}

/// Where the command's name is: the first word that is neither a global option nor its value.
std::size_t command_position(const std::vector<std::string>& args) {
  std::size_t i = 0;
  while (i < args.size() && args[i].size() > 1 && args[i][0] == '-') {
    const bool has_value =
        args[i] == "--log-file" || args[i] == "--progress" || args[i] == "--config";
    i += has_value ? 2 : 1;
  }
  return std::min(i, args.size());
}

bool wants_json(const std::vector<std::string>& args) {
  const auto end = std::find(args.begin(), args.end(), "--");
  return std::find(args.begin(), end, "--json") != end;
}

int report(const Error& error, const std::string& where, bool json, std::ostream& err) {
  const int code = exit_code(error.kind());
  const auto one_line = [](std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  };
  const std::string what = one_line(error.what()), hint = one_line(error.hint());
  if (json) {
    OrderedJson object;
    object["code"] = code;
    object["message"] = what;
    object["hint"] = hint;
    err << dump_json(object) << "\n";
  } else {
    err << where << ": " << what << (hint.empty() ? "" : "; ") << hint << "\n";
  }
  err.flush();
  return code;
}

int run_command(const std::vector<std::string>& args, std::string& where, std::istream& in,
                std::ostream& out, std::ostream& err) {
  const std::size_t at = command_position(args);
  for (std::size_t i = 0; i < at; ++i) {
    if (args[i] == "-h" || args[i] == "--help") {
      print_help(out);
      return 0;
    }
    if (args[i] == "--version") {
      out << "autogo " AUTOGO_VERSION "\n";
      return 0;
    }
  }
  if (at == args.size()) {
    AUTOGO_REQUIRE(args.empty(), ErrorKind::kUsage, "no command given; see 'autogo --help'");
    print_help(err);
    return 2;
  }
  const Command* command = find_command(args[at]);
  if (command == nullptr) {
    std::vector<std::string> names;
    for (const Command& known : kCommands) names.push_back(known.name);
    const std::string nearest = nearest_word(args[at], names);
    throw Error(ErrorKind::kUsage, "unknown command '" + args[at] + "'" +
                                       (nearest.empty() ? "" : ", did you mean '" + nearest + "'?"))
        .with_hint("see 'autogo --help'");
  }
  where += std::string(" ") + command->name;
  std::vector<std::string> rest = args;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  Cli cli(command->name, command->help, std::move(rest), in, out, err);
  int code = 0;
  try {
    code = command->run(cli);
  } catch (const HelpRequest& help) {
    out << help.text();
  }
  AUTOGO_REQUIRE(out.flush().good(), ErrorKind::kIo,
                 "standard output: cannot write; is the disk full or the reader gone?");
  return code;
}

}  // namespace

int run_autogo(const std::vector<std::string>& args, std::istream& in, std::ostream& out,
               std::ostream& err) {
  std::string where = "autogo";
  const bool json = wants_json(args);
  try {
    return run_command(args, where, in, out, err);
  } catch (const Error& e) {
    return report(e, where, json, err);
  } catch (const std::bad_alloc&) {
    return report(
        Error(ErrorKind::kIo, "out of memory").with_hint("use a smaller model or fewer --jobs"),
        where, json, err);
  } catch (const std::exception& e) {
    return report(Error(ErrorKind::kInternal, std::string("unexpected failure: ") + e.what())
                      .with_hint("this is a bug in autogo; please report it with the command"),
                  where, json, err);
  }
}

}  // namespace autogo
