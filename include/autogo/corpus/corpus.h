#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autogo/base/log.h"
#include "autogo/graph/graph.h"

namespace autogo {

/// One network of a corpus.
struct CorpusItem {
  std::string id;               ///< architecture id (families.md) or file path
  std::optional<double> label;  ///< what the corpus header's `label` says; absent: unlabelled
  Graph graph;
  std::string record;    ///< next_record(): what build() needs beyond the id; else empty
  std::size_t line = 0;  ///< of the corpus file
};

struct CorpusHeader {
  std::string family;      ///< "nasbench101", "hiaml", "onnx", ...
  std::string label;       ///< the table's column or field; empty: unlabelled
  std::string source;      ///< file name of the table or folder, without its path; or how sampled
  std::uint64_t size = 0;  ///< number of items; 0 when the writer could not know
  /// Images that the training behind a label saw, epochs times images; 0: not known.
  double training_images = 0;
};

/// Streams a corpus file (JSON Lines, "autogo.corpus" version 1, optionally gzip): a header line,
/// then one line an item. Items of a known family hold the architecture id and are generated
/// on the fly; others hold the graph. Never more than one item is held.
class CorpusReader {
 public:
  /// @throws Error kIo, kInput
  explicit CorpusReader(const std::string& path);
  ~CorpusReader();
  const CorpusHeader& header() const;
  /// False at the end. @throws Error kInput "<path>:<line>: ..."
  bool next(CorpusItem& item);
  /// As `next`, without building the graph: `item.graph` stays empty. For parallel building.
  bool next_record(CorpusItem& item);
  /// The graph of a record of this corpus. Thread-safe.
  Graph build(const CorpusItem& record) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads records in order and builds graphs on `threads` threads; calls `consume` in order, on the
/// caller's thread. Memory is bounded by a small window.
void for_each_graph(CorpusReader& reader, int threads,
                    const std::function<void(CorpusItem&&)>& consume);

/// Graph of a NAS-Bench-101 cell (families.md, section 2).
/// @param id  "nb101:V:BITS:OPS", with or without the prefix
Graph nasbench101_graph(const std::string& id);
/// Graph of a NAS-Bench-201 cell (families.md, section 3), `none` pruned.
/// @param id  "nb201:333s33" (with or without prefix) or the benchmark's own architecture string
/// @throws Error kInput also for cells without a path from input to output
Graph nasbench201_graph(const std::string& id);
/// Graph of a HiAML network (families.md, section 4), with or without the prefix.
/// @param id  "hiaml:src1-src1-r30-src3": the block of each of the four stages
Graph hiaml_graph(const std::string& id);
/// Graph of a Two-Path network (families.md, section 5), with or without the prefix.
/// @param id  "two_path:ap+c5*,mp+d3*|s3,r4k3*,s5+r2k1*,e2k1+e2k3": blocks of the two paths, `*`
///            after one that halves the map
Graph two_path_graph(const std::string& id);
/// Graph of an Inception network (families.md, section 6), with or without the prefix.
/// @param id  "inception:STAGE/STAGE/STAGE/STAGE", STAGE = "2@16>16:mp+p3;16>16:s3+w5": number of
///            blocks, then inner and outer channels and operations of each path
Graph inception_graph(const std::string& id);
/// The graph of any family id; its prefix says which. @throws Error kInput
Graph family_graph(const std::string& id);

/// A computation graph as AutoGO's authors publish it (one line of autogo_graphs.jsonl).
/// @param where  path and line, for messages. @throws Error kInput, kUnsupported
Graph autogo_graph(const std::string& text, const std::string& where);

struct TableOptions {
  std::string table;        ///< path of the benchmark table, plain or gzip
  std::string label;        ///< column or field
  bool skip_none = false;   ///< nasbench201: leave out cells with `none`
  std::uint64_t limit = 0;  ///< 0: all; else stop after so many items
  /// Images that the training behind a label saw; 0: as the benchmark's column says, where it does.
  double training_images = 0;
};

/// What was written, and what was left out and why.
struct CorpusSummary {
  std::uint64_t items = 0;
  std::uint64_t disconnected = 0;  ///< cells without a path from input to output
  std::uint64_t with_none = 0;     ///< left out by `skip_none`
  std::uint64_t unlabelled = 0;    ///< rows whose label is empty
  std::uint64_t failed = 0;        ///< files that do not import
  std::uint64_t repeated = 0;      ///< draws that gave a network drawn before
};

/// Joins a benchmark table with the generator. The file appears at once or not at all.
/// @throws Error kInput "<table>:<line>: ..." on a bad row, kIo
CorpusSummary write_nasbench101_corpus(const TableOptions& options, const std::string& out);
CorpusSummary write_nasbench201_corpus(const TableOptions& options, const std::string& out);

/// Joins a table of ids and labels with the generators: CSV with a header row, a column "id" and a
/// column `label`, or JSON Lines with these fields, "id" a family id. Fields of CSV may be quoted.
/// @param family  name of the family that every id must be of
/// @throws Error kInput "<table>:<line>: ..." on a bad row, kIo
CorpusSummary write_family_corpus(const std::string& family, const TableOptions& options,
                                  const std::string& out);

struct SampleOptions {
  std::string family;       ///< "hiaml", "inception" or "two-path"
  std::uint64_t count = 0;  ///< networks; no two have the same graph
  std::uint64_t seed = 0;
  bool wide = false;  ///< inception: up to 4, 8, 12, 16 operations in a block of 1 to 4 paths
};
/// Networks drawn by the family's own distribution (families.md), unlabelled; written one by one.
/// The first networks of a corpus do not depend on `count`.
/// @throws Error kUsage for a family that is not sampled or more networks than it has, kIo
CorpusSummary write_sampled_corpus(const SampleOptions& options, const std::string& out,
                                   Log& log = null_log());

struct ModelFile {
  std::string path;
  std::string id;  ///< its item's id: the folder's name and the path below it
};
/// The *.onnx files of folders, at any depth, sorted; a file stands for itself.
/// @throws Error kIo for a path that does not exist, kInput for a folder without any
std::vector<ModelFile> find_onnx_files(const std::vector<std::string>& paths);

/// A corpus of imported models: one item a line, the graph in it. `load` imports one file (the
/// onnx layer does; corpus does not know it). A file that fails is warned of and left out.
/// @throws Error kInput when all fail, kIo
CorpusSummary write_onnx_corpus(const std::vector<ModelFile>& files,
                                const std::function<Graph(const std::string&)>& load,
                                const std::string& out, Log& log = null_log());

}  // namespace autogo
