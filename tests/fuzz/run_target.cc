// Run directories: that of a small search, its files edited, the journal's lines sealed anew.

#include <filesystem>
#include <fstream>
#include <map>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "autogo/study/trained_runs.h"
#include "autogo/study/validate.h"
#include "mutation.h"
#include "search/run/journal.h"
#include "search/search_support.h"
#include "support/temp_dir.h"
#include "target.h"

namespace autogo::fuzz {
namespace {

namespace fs = std::filesystem;

SearchConfig tiny_config() {
  SearchConfig config = testing::small_config();
  config.options.iterations = 2;
  config.options.parents = 2;
  config.options.sources = 2;
  config.options.replacements = 6;
  config.options.jobs = 1;
  return config;
}

std::string resealed(const std::string& line, Rng& rng) {
  auto event = unseal(line);
  if (!event) return line;
  event->erase("sum");
  for (std::uint64_t edit = 1 + rng.below(2); edit-- > 0;) edit_json(*event, rng);
  if (!event->is_object() || event->empty()) return event->dump();
  OrderedJson sealed = OrderedJson::parse(event->dump());
  std::string text = seal(sealed);
  text.pop_back();
  return text;
}

std::string edited_journal(const std::string& text, Rng& rng) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const std::size_t line = rng.below(lines.size()), other = rng.below(lines.size());
  switch (rng.below(8)) {
    case 0:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(line));
      break;
    case 1:
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(line), std::string(lines[other]));
      break;
    case 2:
      std::swap(lines[line], lines[other]);
      break;
    case 3:
      lines[line] = edit_bytes(lines[line], rng);
      break;
    default:
      lines[line] = resealed(lines[line], rng);
  }
  std::string joined;
  for (const std::string& l : lines) joined += l + "\n";
  return joined;
}

class RunTarget : public Target {
 public:
  RunTarget() : network_(testing::residual_network()), database_(testing::small_database()) {
    const TempDir folder;
    SearchRun run;
    run.directory = folder / "run";
    run_search(tiny_config(), run, network_, database_, testing::FakePredictor());
    for (const auto& entry : fs::recursive_directory_iterator(run.directory)) {
      if (!entry.is_regular_file()) continue;
      files_[fs::relative(entry.path(), run.directory).string()] = read_file(entry.path().string());
    }
    Json setting = {{"split", "test"}, {"metric", "top1"}};
    Json network = {{"model", ""}, {"hash", "00"}, {"trained", {0.5, 0.6}}, {"predicted_gain", 0.1}};
    files_["validation.json"] = Json{{"format", "autogo.validation"},
                                     {"version", 1},
                                     {"setting", setting},
                                     {"networks", Json::array({network, network})}}
                                    .dump();
  }
  std::string name() const override { return "run"; }

  std::string make(Rng& rng) const override {
    std::map<std::string, std::string> files = files_;
    static const std::vector<std::string> kEdited{"journal.jsonl",   "journal.jsonl",
                                                  "journal.jsonl",   "config.json",
                                                  "validation.json", "env.json",
                                                  "pareto.json"};
    const std::string& name = kEdited[rng.below(kEdited.size())];
    std::string& text = files[name];
    if (name == "journal.jsonl") {
      text = edited_journal(text, rng);
    } else if (rng.below(4) == 0) {
      text = edit_bytes(text, rng);
    } else {
      Json json = parse_json(text, name);
      edit_json(json, rng);
      text = json.dump();
    }
    std::string input;
    for (const auto& [file, bytes] : files) {
      if (!file.ends_with(".onnx")) input += pack_file(file, bytes);
    }
    return input;
  }

  void use(const std::string& input, const std::string& folder) const override {
    SearchRun run;
    run.directory = folder + "/run";
    run.resume = true;
    fs::create_directories(run.directory);
    for (const auto& [name, bytes] : split_files(input)) {
      if (name.find('/') != std::string::npos || name.empty()) continue;
      std::ofstream(run.directory + "/" + name, std::ios::binary) << bytes;
    }
    SearchConfig config = tiny_config();
    attempt([&] { config = read_search_config(run.directory); });
    // The configuration may ask for years of search; it is then another one than the run's.
    config.options.iterations = std::min(config.options.iterations, 2U);
    config.options.replacements = std::min(config.options.replacements, 6U);
    config.options.jobs = 1;
    attempt([&] { run_search(config, run, network_, database_, testing::FakePredictor()); });
    attempt([&] { read_validation(run.directory); });
    attempt([&] { read_trained_run(run.directory); });
  }

 private:
  Graph network_;
  SegmentDatabase database_;
  std::map<std::string, std::string> files_;
};

}  // namespace

std::unique_ptr<Target> run_target() { return std::make_unique<RunTarget>(); }

}  // namespace autogo::fuzz
