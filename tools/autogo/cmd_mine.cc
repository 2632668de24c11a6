#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <ostream>

#include "autogo/base/file.h"
#include "autogo/base/parallel.h"
#include "autogo/corpus/corpus.h"
#include "autogo/onnx/model.h"
#include "autogo/segment/mine.h"
#include "base/json.h"
#include "command.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

struct MineCommand {
  std::vector<std::string> corpora;
  std::vector<std::string> input_shapes;
  MineOptions mine;
  bool statistics = false;
  std::string out;
};

/// A corpus file.
class CorpusStream : public GraphStream {
 public:
  explicit CorpusStream(std::string path) : path_(std::move(path)) { rewind(); }
  std::string name() const override {
    const CorpusHeader& header = reader_->header();
    return header.family == "onnx" ? fs::path(path_).stem().string() : header.family;
  }
  void rewind() override { reader_ = std::make_shared<CorpusReader>(path_); }
  std::function<Graph()> next() override {
    auto item = std::make_shared<CorpusItem>();
    if (!reader_->next_record(*item)) return {};
    return [reader = reader_, item] { return reader->build(*item); };
  }

 private:
  std::string path_;
  std::shared_ptr<CorpusReader> reader_;
};

/// A folder of ONNX files, or one of them.
class ModelStream : public GraphStream {
 public:
  ModelStream(const std::string& path, ImportOptions options, int threads, Log& log)
      : name_((fs::path(path) / "").parent_path().stem().string()),
        options_(std::move(options)),
        files_(find_onnx_files({path})) {
    if (is_folder(path)) leave_out_unreadable(path, threads, log);
  }
  std::string name() const override { return name_; }
  void rewind() override { next_ = 0; }
  std::function<Graph()> next() override {
    if (next_ == files_.size()) return {};
    return [path = files_[next_++].path, options = options_] { return import_onnx(path, options); };
  }

 private:
  /// One model that cannot be imported does not spoil a folder; a file that was named would.
  void leave_out_unreadable(const std::string& path, int threads, Log& log) {
    std::vector<std::string> failures(files_.size());
    parallel_for(files_.size(), threads, [&](std::size_t i) {
      try {
        import_onnx(files_[i].path, options_);
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::kInput && e.kind() != ErrorKind::kUnsupported) throw;
        failures[i] = e.what();
      }
    });
    std::vector<ModelFile> good;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (failures[i].empty()) good.push_back(std::move(files_[i]));
    }
    AUTOGO_REQUIRE(!good.empty(), ErrorKind::kInput,
                   path + ": none of " + std::to_string(files_.size()) +
                       " files can be imported; the first: " + failures.front());
    for (const std::string& failure : failures) {
      if (!failure.empty()) log.warning(failure + "; left out");
    }
    files_ = std::move(good);
  }

  std::string name_;
  ImportOptions options_;
  std::vector<ModelFile> files_;
  std::size_t next_ = 0;
};

enum class InputKind { kModels, kCorpus, kDatabase };

/// Told by what the file says of itself, not by its name.
InputKind input_kind(const std::string& path) {
  if (is_folder(path) || path.ends_with(".onnx")) return InputKind::kModels;
  LineReader reader(path);
  std::string line;
  const bool any = reader.next(line);
  const std::string head = any ? line.substr(0, 400) : "";
  if (head.find("\"autogo.segments\"") != std::string::npos) return InputKind::kDatabase;
  if (head.find("\"autogo.corpus\"") != std::string::npos) return InputKind::kCorpus;
  throw Error(ErrorKind::kInput, path + ": is no corpus, segment database or folder of ONNX files")
      .with_hint("make a corpus with 'autogo corpus'");
}

OrderedJson histogram_json(const SegmentStatistics::Histogram& histogram) {
  OrderedJson json = OrderedJson::object();
  for (const auto& [value, count] : histogram) json[std::to_string(value)] = count;
  return json;
}

OrderedJson statistics_json(const SegmentStatistics& s) {
  return {{"entries", s.entries},
          {"insertable", s.insertable},
          {"multi_node", s.multi_node},
          {"disconnected", s.disconnected},
          {"topologies", s.topologies},
          {"mean_nodes", s.mean_nodes},
          {"mean_edges", s.mean_edges},
          {"nodes", histogram_json(s.nodes)},
          {"edges", histogram_json(s.edges)},
          {"inputs", histogram_json(s.inputs)},
          {"outputs", histogram_json(s.outputs)},
          {"input_nodes", histogram_json(s.input_nodes)},
          {"output_nodes", histogram_json(s.output_nodes)},
          {"in_degrees", histogram_json(s.in_degrees)},
          {"out_degrees", histogram_json(s.out_degrees)},
          {"topology_nodes", histogram_json(s.topology_nodes)},
          {"topology_segments", histogram_json(s.topology_segments)},
          {"operators", s.operators},
          {"corpora", s.corpora},
          {"exclusive", s.exclusive}};
}

void print_histogram(std::ostream& out, const char* title,
                     const SegmentStatistics::Histogram& histogram) {
  std::uint64_t highest = 1;
  for (const auto& [value, count] : histogram) highest = std::max(highest, count);
  out << title << "\n";
  for (const auto& [value, count] : histogram) {
    const std::string label = std::to_string(value);
    const std::string number = std::to_string(count);
    out << std::string(label.size() < 6 ? 6 - label.size() : 0, ' ') << label
        << std::string(number.size() < 8 ? 8 - number.size() : 0, ' ') << number << "  "
        << std::string(static_cast<std::size_t>(40 * count / highest), '#') << "\n";
  }
}

std::string one_decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

void print_statistics(std::ostream& out, const SegmentStatistics& s) {
  out << s.multi_node << " segments of several nodes, " << s.insertable
      << " segments that can be inserted, " << s.disconnected << " in several pieces, "
      << s.topologies << " topologies; on average " << one_decimal(s.mean_nodes) << " nodes and "
      << one_decimal(s.mean_edges) << " edges\n";
  print_histogram(out, "nodes in a segment", s.nodes);
  print_histogram(out, "edges within a segment", s.edges);
  print_histogram(out, "inputs of a segment", s.inputs);
  print_histogram(out, "outputs of a segment", s.outputs);
  print_histogram(out, "nodes of a segment that read an input", s.input_nodes);
  print_histogram(out, "nodes of a segment that give an output", s.output_nodes);
  print_histogram(out, "edges into a node", s.in_degrees);
  print_histogram(out, "edges out of a node", s.out_degrees);
  print_histogram(out, "nodes of a topology", s.topology_nodes);
  print_histogram(out, "segments of a topology", s.topology_segments);
  out << "operators, by segments that have them\n";
  for (const auto& [name, count] : s.operators) out << "  " << name << " " << count << "\n";
  for (const auto& [corpus, operators] : s.corpora) {
    out << "operators of " << corpus << ", by occurrences\n";
    for (const auto& [name, count] : operators) out << "  " << name << " " << count << "\n";
  }
  if (s.exclusive.empty()) return;
  out << "operators that some corpora lack\n";
  for (const auto& [name, corpora] : s.exclusive) {
    out << "  " << name << ":";
    for (const std::string& corpus : corpora) out << " " << corpus;
    out << "\n";
  }
}

void print_result(Cli& cli, const MineCommand& options, const MineResult& mined) {
  const SegmentDatabase& database = mined.database;
  if (cli.json()) {
    OrderedJson json{{"database", options.out},
                     {"corpora", database.corpora()},
                     {"graphs", mined.report.graphs},
                     {"nodes", mined.report.nodes},
                     {"distinct_strings", mined.report.distinct_strings},
                     {"labels_seen", mined.report.labels_seen},
                     {"labels", database.num_labels()},
                     {"pieces", database.num_pieces()},
                     {"entries", database.entries().size()}};
    if (options.statistics) json["statistics"] = statistics_json(segment_statistics(database));
    cli.out() << dump_json(json) << "\n";
    return;
  }
  cli.out() << options.out << ": " << database.entries().size() << " segments, "
            << database.num_labels() << " labels, " << database.num_pieces() << " pieces";
  if (mined.report.graphs > 0) {
    cli.out() << ", from " << mined.report.graphs << " graphs of " << mined.report.nodes
              << " nodes";
  }
  cli.out() << "\n";
  if (options.statistics) print_statistics(cli.out(), segment_statistics(database));
}

/// Mines what is a corpus, merges what is a database already.
MineResult mine(const MineCommand& options, Log& log) {
  ImportOptions import;
  import.input_shapes = parse_input_shapes(options.input_shapes);
  std::vector<std::unique_ptr<GraphStream>> owned;
  std::vector<GraphStream*> streams;
  std::vector<SegmentDatabase> databases;
  for (const std::string& path : options.corpora) {
    AUTOGO_REQUIRE(path_exists(path), ErrorKind::kIo, path + ": no such file or folder");
    switch (input_kind(path)) {
      case InputKind::kModels:
        owned.push_back(std::make_unique<ModelStream>(path, import, options.mine.threads, log));
        break;
      case InputKind::kCorpus:
        owned.push_back(std::make_unique<CorpusStream>(path));
        break;
      case InputKind::kDatabase:
        databases.push_back(SegmentDatabase::load(path));
        break;
    }
  }
  streams.reserve(owned.size());
  for (const auto& stream : owned) streams.push_back(stream.get());
  MineResult result;
  if (!streams.empty()) result = mine_segments(streams, options.mine, log);
  for (const SegmentDatabase& database : databases) result.database.merge(database);
  return result;
}

}  // namespace

int run_mine(Cli& cli) {
  MineCommand options;
  int jobs = 0;
  CLI::App& app = cli.app();
  cli.examples({"autogo mine nb101.jsonl nb201.jsonl -o segments.json",
                "autogo mine segments.json models/ --stats -o mine.json"});
  app.add_option("corpora", options.corpora,
                 "corpus files, folders of ONNX files; segment databases, which are merged")
      ->type_name("CORPUS")
      ->required();
  app.add_option("--vocab-size", options.mine.vocab_size,
                 "labels and pieces of several nodes, together")
      ->type_name("N")
      ->check(CLI::Range(2, 100000));
  app.add_option("--max-piece", options.mine.max_piece, "nodes in a segment, at most")
      ->type_name("N")
      ->check(CLI::Range(2, 512));
  app.add_option("--sample", options.mine.sample,
                 "graphs drawn at random from each corpus; 0 is all")
      ->type_name("N");
  app.add_flag("--stats", options.statistics, "print what the database is made of");
  cli.add_seed(options.mine.seed);
  cli.add_jobs(jobs);
  cli.add_input_shapes(options.input_shapes);
  cli.add_output(options.out, "the segment database to write");
  cli.parse();

  options.mine.threads = jobs > 0 ? jobs : available_threads();
  const MineResult mined = mine(options, cli.log());
  mined.database.save(options.out);
  print_result(cli, options, mined);
  return 0;
}

}  // namespace autogo
