// Folders of models to corpus files, and the lines that all corpus files are made of.
//
// Tested by tests/corpus/models_test.cc.

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "autogo/base/error.h"
#include "autogo/base/file.h"
#include "corpus_file.h"
#include "graph/graph_json.h"

namespace autogo {
namespace {

namespace fs = std::filesystem;

void find_below(const fs::path& folder, std::vector<ModelFile>& files) {
  std::error_code failure;
  // "models/" and "." have a name too
  const std::string name = fs::weakly_canonical(folder, failure).filename().string();
  const std::size_t before = files.size();
  for (auto it = fs::recursive_directory_iterator(folder, failure);
       !failure && it != fs::recursive_directory_iterator(); it.increment(failure)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored) && it->path().extension() == ".onnx") {
      files.push_back({it->path().string(),
                       (fs::path(name) / it->path().lexically_relative(folder)).generic_string()});
    }
  }
  AUTOGO_REQUIRE(!failure, ErrorKind::kIo,
                 folder.string() + ": cannot read the folder: " + failure.message());
  AUTOGO_REQUIRE(files.size() > before, ErrorKind::kInput,
                 folder.string() + ": holds no .onnx file");
}

std::string common_source(const std::vector<ModelFile>& files) {
  std::string source;
  for (const ModelFile& file : files) {
    const std::string top = file.id.substr(0, file.id.find('/'));
    if (source.empty()) source = top;
    if (source != top) return "several";
  }
  return source;
}

}  // namespace

std::string corpus_header_line(const CorpusHeader& header) {
  OrderedJson json;
  json["format"] = kCorpusFormat;
  json["version"] = kCorpusVersion;
  json["family"] = header.family;
  json["label"] = header.label;
  json["source"] = header.source;
  if (header.size > 0) json["size"] = header.size;
  if (header.training_images > 0) {
    const bool exact = header.training_images < 1e15;  // whole numbers are written as such
    json["training_images"] = exact ? OrderedJson(std::llround(header.training_images))
                                    : OrderedJson(header.training_images);
  }
  return dump_json(json) + "\n";
}

std::string corpus_item_line(const std::string& id, std::optional<double> label,
                             const Graph* graph) {
  std::string line = "{\"id\":" + dump_json(Json(id));
  if (label) line += ",\"label\":" + Json(*label).dump();
  if (graph != nullptr) line += ",\"graph\":" + dump_json(graph_to_json(*graph));
  return line + "}\n";
}

std::vector<ModelFile> find_onnx_files(const std::vector<std::string>& paths) {
  std::vector<ModelFile> files;
  for (const std::string& path : paths) {
    AUTOGO_REQUIRE(path_exists(path), ErrorKind::kIo,
                   path + ": no such file or folder, expected .onnx files");
    if (is_folder(path)) {
      find_below(path, files);
    } else {
      files.push_back({path, fs::path(path).filename().string()});
    }
  }
  std::ranges::sort(files, {}, [](const ModelFile& f) { return std::pair(f.id, f.path); });
  return files;
}

CorpusSummary write_onnx_corpus(const std::vector<ModelFile>& files,
                                const std::function<Graph(const std::string&)>& load,
                                const std::string& out, Log& log) {
  CorpusSummary summary;
  CorpusHeader header;
  header.family = "onnx";
  header.source = common_source(files);
  std::string first_failure;
  write_file_atomic(out, [&](const ByteSink& sink) {
    sink(corpus_header_line(header));
    for (const ModelFile& file : files) {
      try {
        const Graph graph = load(file.path);
        sink(corpus_item_line(file.id, std::nullopt, &graph));
        ++summary.items;
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::kInput && e.kind() != ErrorKind::kUnsupported) throw;
        log.warning(std::string(e.what()) + "; left out");
        if (first_failure.empty()) first_failure = e.what();
        ++summary.failed;
      }
    }
    AUTOGO_REQUIRE(summary.items > 0, ErrorKind::kInput,
                   "none of " + std::to_string(files.size()) +
                       " files can be imported; the first: " + first_failure);
  });
  return summary;
}

}  // namespace autogo
