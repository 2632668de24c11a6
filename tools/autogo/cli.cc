// One command's line: parsing with CLI11, the options that all commands share, help, and errors
// that name the bad word, what was expected and the next command to try.
//
// Precedence is flag, then environment, then --config, then default. CLI11 puts the configuration
// file before the environment, so EnvironmentFirst drops what the environment sets already.
// Tested by tests/cli/options.sh and tests/cli/cli_test.cc.

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <istream>
#include <ostream>

#include "autogo/base/spelling.h"
#include "command.h"

namespace autogo {
namespace {

constexpr const char* kGlobalGroup = "Global options";

/// Two columns, the default last: "--seed UINT   random seed (default 1)".
class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(34); }
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string text = make_description(app) + "\n" + make_usage(app, std::move(name)) +
                       make_positionals(app) + make_option_groups(app) +
                       make_subcommands(app, mode) + make_footer(app);
    for (std::size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
    while (text.size() > 1 && text.ends_with("\n\n")) text.pop_back();
    return text;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (!option->get_option_text().empty()) return " " + option->get_option_text();
    if (option->get_type_size() == 0) return "";
    const std::string type = option->get_type_name();
    const std::string text = " " + type.substr(0, validator_position(type));
    return takes_many(option) && option->get_allow_extra_args() ? text + "..." : text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string& text = option->get_description();
    std::string notes;
    const auto note = [&](const std::string& part) { notes += (notes.empty() ? "" : "; ") + part; };
    if (option->get_required()) note("required");
    const std::string type = option->get_type_name();
    const std::size_t range = type.find(" in [");
    if (range != std::string::npos) {  // CLI::Range says "INT in [0 - 9]"
      std::string bounds = type.substr(range + 5, type.find(']', range) - range - 5);
      note(bounds.replace(bounds.find(" - "), 3, " to "));
    }
    if (type.ends_with(":NONNEGATIVE")) note("at least 0");
    if (type.ends_with(":POSITIVE")) note("above 0");
    const std::string& value = option->get_default_str();
    const bool shown = option->get_type_size() != 0 && !value.empty() && value != "[]";
    if (shown && value != "\"\"") note("default " + value);
    if (takes_many(option) && !option->get_allow_extra_args()) note("repeatable");
    if (!option->get_envname().empty()) note("environment " + option->get_envname());
    return notes.empty() ? text : text + " (" + notes + ")";
  }

 private:
  static bool takes_many(const CLI::Option* option) {
    return option->get_expected_max() == CLI::detail::expected_max_vector_size;
  }
  /// Groups in the order in which they were declared, the global options last.
  std::string make_option_groups(const CLI::App* app) const {
    std::vector<std::string> groups = app->get_groups();
    std::stable_partition(groups.begin(), groups.end(),
                          [](const std::string& group) { return group != kGlobalGroup; });
    std::string text;
    for (const std::string& group : groups) {
      const auto options = app->get_options([&](const CLI::Option* option) {
        return option->get_group() == group && option->nonpositional();
      });
      if (!group.empty() && !options.empty()) text += make_group(group, false, options);
    }
    return text;
  }
  /// Where CLI11 appends the checks to the type: "N:INT in [0 - 9]", "a|b:{a,b}".
  static std::size_t validator_position(const std::string& type) {
    for (const char* mark :
         {":{", ":INT in [", ":UINT in [", ":FLOAT in [", ":NONNEGATIVE", ":POSITIVE"}) {
      const std::size_t at = type.find(mark);
      if (at != std::string::npos) return at;
    }
    return type.size();
  }
};

std::string usage_hint(const CLI::App& app) {
  std::string name;
  for (const CLI::App* a = &app; a != nullptr; a = a->get_parent()) {
    name = a->get_name() + (name.empty() ? "" : " ") + name;
  }
  return "see '" + name + " --help'";
}

/// Long names of the options of an app and of its parents.
std::vector<std::string> option_names(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

[[noreturn]] void throw_unknown(const std::string& what, const std::string& word,
                                const std::vector<std::string>& known, const std::string& hint) {
  const std::string nearest = nearest_word(word, known);
  throw Error(ErrorKind::kUsage, "unknown " + what + " '" + word + "'" +
                                     (nearest.empty() ? "" : ", did you mean '" + nearest + "'?"))
      .with_hint(hint);
}

class EnvironmentFirst : public CLI::ConfigTOML {
 public:
  explicit EnvironmentFirst(const CLI::App& app) : app_(app) {}
  std::vector<CLI::ConfigItem> from_config(std::istream& stream) const override {
    std::vector<CLI::ConfigItem> settings = CLI::ConfigTOML::from_config(stream);
    std::erase_if(settings, [&](const CLI::ConfigItem& item) { return set_elsewhere(item); });
    return settings;
  }

 private:
  bool set_elsewhere(const CLI::ConfigItem& item) const {
    if (item.name == "++" || item.name == "--") return false;  // CLI11's marks of a section
    const CLI::App* app = &app_;
    for (const std::string& parent : item.parents) app = app ? subcommand(*app, parent) : nullptr;
    const CLI::Option* option =
        app == nullptr ? nullptr : app->get_option_no_throw("--" + item.name);
    if (option == nullptr) {
      throw_unknown("setting", item.fullname(), setting_names(app == nullptr ? &app_ : app),
                    "correct it in the --config file");
    }
    const char* value =
        option->get_envname().empty() ? nullptr : std::getenv(option->get_envname().c_str());
    return value != nullptr && *value != '\0';
  }
  static const CLI::App* subcommand(const CLI::App& app, const std::string& name) {
    for (const CLI::App* sub : app.get_subcommands({})) {
      if (sub->get_name() == name) return sub;
    }
    return nullptr;
  }
  static std::vector<std::string> setting_names(const CLI::App* app) {
    std::vector<std::string> names = option_names(app);
    for (std::string& name : names) name = name.substr(2);
    return names;
  }
  const CLI::App& app_;
};

void prepare(CLI::App& app) {
  app.allow_extras();
  app.get_help_ptr()->group(kGlobalGroup)->description("show this help");
  for (CLI::App* sub : app.get_subcommands({})) prepare(*sub);
}

/// The innermost subcommand that was parsed.
CLI::App& chosen(CLI::App& app) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen(*parsed.front());
}

/// A word that no option or positional took is a spelling error: said before anything else, since
/// it is often the cause of the rest.
void refuse_extras(CLI::App& app) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return;
  CLI::App& last = chosen(app);
  const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string& word) {
    return word.size() > 1 && word[0] == '-' && word != "--";
  });
  if (option != extras.end()) {
    throw_unknown("option", option->substr(0, option->find('=')), option_names(&last),
                  usage_hint(last));
  }
  std::vector<std::string> names;
  for (const CLI::App* sub : last.get_subcommands({})) names.push_back(sub->get_name());
  if (!names.empty()) throw_unknown("command", extras.front(), names, usage_hint(last));
  throw Error(ErrorKind::kUsage, "unexpected argument '" + extras.front() + "'")
      .with_hint(usage_hint(last));
}

}  // namespace

struct Cli::Impl {
  CLI::App app;
  std::vector<std::string> args;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  GlobalOptions global;
  int verbose = 0, quiet = 0;
  bool no_color = false;
  std::string progress = "auto";
  std::unique_ptr<Log> log;
};

Cli::Cli(const std::string& command, const std::string& help, std::vector<std::string> args,
         std::istream& in, std::ostream& out, std::ostream& err)
    : impl_(new Impl{CLI::App(help), std::move(args), in, out, err, {}, 0, 0, false, "auto", {}}) {
  CLI::App& app = impl_->app;
  app.name("autogo " + command);
  app.formatter(std::make_shared<Formatter>());
  app.option_defaults()->always_capture_default();
  app.set_help_flag("-h,--help", "show this help")->group(kGlobalGroup);
  app.fallthrough();  // inherited by subcommands: global options may follow them
  const std::string group = kGlobalGroup;
  app.add_flag("--json", impl_->global.json, "print JSON; an error is {code, message, hint}")
      ->group(group);
  app.add_flag("-v,--verbose", impl_->verbose, "say more; repeatable")->group(group);
  app.add_flag("-q,--quiet", impl_->quiet, "say less; repeatable")->group(group);
  app.add_option("--log-file", impl_->global.log_file, "write every message there too")
      ->type_name("FILE")
      ->envname("AUTOGO_LOG")
      ->group(group);
  app.add_flag("--no-color", impl_->no_color, "no colours (NO_COLOR and TERM=dumb mean the same)")
      ->group(group);
  app.add_option("--progress", impl_->progress, "how to report progress")
      ->type_name("auto|plain|none")
      ->check(CLI::IsMember({"auto", "plain", "none"}))
      ->group(group);
  app.set_config("--config", "", "read options from a TOML file: name = value")
      ->type_name("FILE")
      ->group(group);
  app.config_formatter(std::make_shared<EnvironmentFirst>(app));
}

Cli::~Cli() = default;

CLI::App& Cli::app() { return impl_->app; }
std::istream& Cli::in() { return impl_->in; }
std::ostream& Cli::out() { return impl_->out; }
std::ostream& Cli::err() { return impl_->err; }
const GlobalOptions& Cli::global() const { return impl_->global; }

void Cli::examples(CLI::App& app, std::initializer_list<const char*> lines) {
  std::string text = app.get_description() + "\n\nExamples:";
  for (const char* line : lines) text += std::string("\n  ") + line;
  app.description(text + "\n");
}

CLI::Option* Cli::add_jobs(CLI::App& app, int& jobs) {
  return app.add_option("-j,--jobs", jobs, "threads; 0 is all cores; never changes the result")
      ->type_name("N")
      ->check(CLI::Range(0, 4096))
      ->envname("AUTOGO_JOBS");
}

CLI::Option* Cli::add_seed(CLI::App& app, std::uint64_t& seed) {
  return app
      .add_option("--seed", seed, "seed of everything random; the same seed, the same result")
      ->type_name("N")
      ->envname("AUTOGO_SEED");
}

CLI::Option* Cli::add_output(CLI::App& app, std::string& path, const std::string& help) {
  return app.add_option("-o,--output", path, help)->type_name("PATH")->required();
}

CLI::Option* Cli::add_input_shapes(CLI::App& app, std::vector<std::string>& shapes) {
  return app
      .add_option("--input-shape", shapes, "shape of a dynamic input, like input:1x3x224x224")
      ->type_name("NAME:SHAPE")
      ->take_all()
      ->allow_extra_args(false);
}

void Cli::parse() {
  CLI::App& app = impl_->app;
  prepare(app);
  std::vector<std::string> reversed(impl_->args.rbegin(), impl_->args.rend());  // CLI11 pops them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    throw HelpRequest(app.help());
  } catch (const CLI::ParseError& e) {
    refuse_extras(app);
    std::string text = e.what();
    std::replace(text.begin(), text.end(), '\n', ' ');
    throw Error(ErrorKind::kUsage, text).with_hint(usage_hint(chosen(app)));
  }
  refuse_extras(app);
  GlobalOptions& global = impl_->global;
  global.verbosity = impl_->verbose - impl_->quiet;
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string(terminal) == "dumb";
  const bool screen = !dumb && ::isatty(STDERR_FILENO) == 1;
  global.color = screen && !impl_->no_color && (no_color == nullptr || *no_color == '\0');
  global.progress = impl_->progress == "none"             ? ProgressStyle::kNone
                    : impl_->progress == "auto" && screen ? ProgressStyle::kBar
                                                          : ProgressStyle::kPlain;
}

Log& Cli::log() {
  if (!impl_->log) {
    const int verbosity = impl_->global.verbosity;
    const LogLevel level = verbosity > 0    ? LogLevel::kDebug
                           : verbosity == 0 ? LogLevel::kInfo
                           : verbosity > -2 ? LogLevel::kWarning
                                            : LogLevel::kError;
    impl_->log = std::make_unique<Log>(level, impl_->global.color, impl_->global.log_file);
    impl_->log->set_progress_style(impl_->global.progress);
  }
  return *impl_->log;
}

std::map<std::string, std::vector<std::int64_t>> parse_input_shapes(
    const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const std::string& text : texts) {
    const auto fail = [&]() -> Error {
      return Error(ErrorKind::kUsage, "--input-shape '" + text +
                                          "': expected NAME:SHAPE, like input:1x3x224x224");
    };
    const std::size_t colon = text.rfind(':');  // names may hold colons, shapes do not
    const std::string name = colon == std::string::npos ? "" : text.substr(0, colon);
    std::vector<std::int64_t> dims;
    std::size_t at = colon == std::string::npos ? 0 : colon + 1;
    for (;;) {
      const std::size_t end = std::min(text.find_first_of("x,", at), text.size());
      const std::string digits = text.substr(at, end - at);
      if (digits.empty() || digits.size() > 10 ||
          digits.find_first_not_of("0123456789") != std::string::npos) {
        throw fail();
      }
      dims.push_back(std::stoll(digits));
      if (end == text.size()) break;
      at = end + 1;
    }
    if (!shapes.emplace(name, std::move(dims)).second) {
      throw Error(ErrorKind::kUsage, "--input-shape '" + text + "': given twice for this input");
    }
  }
  return shapes;
}

}  // namespace autogo
