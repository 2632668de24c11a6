#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autogo/base/rng.h"

namespace autogo::fuzz {

/// One door through which files of others come in.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::string name() const = 0;
  /// How many inputs it gets of every round.
  virtual std::uint64_t weight() const { return 1; }
  /// An input: a valid one, edited.
  virtual std::string make(Rng& rng) const = 0;
  /// Reads it and does with what was read what the commands do. Returns when the input was served
  /// or refused by an Error that blames it; everything else that happens is a finding.
  /// @param folder  an empty one, for files
  virtual void use(const std::string& input, const std::string& folder) const = 0;
};

/// Runs one step. @return whether it ended well; false: refused
/// @throws whatever is a finding
bool attempt(const std::function<void()>& step);

std::unique_ptr<Target> model_target();       ///< ONNX: import, export, code, costs, segments, search
std::unique_ptr<Target> database_target();    ///< segment databases, with a right hash
std::unique_ptr<Target> corpus_target();      ///< corpora
std::unique_ptr<Target> id_target();          ///< ids of families, published graphs
std::unique_ptr<Target> table_target();       ///< benchmark tables
std::unique_ptr<Target> run_target();         ///< run directories, the journal's lines sealed anew
std::unique_ptr<Target> checkpoint_target();  ///< checkpoints of trainings, with a right hash
std::unique_ptr<Target> predictor_target();   ///< predictors, with a right hash
std::unique_ptr<Target> trainer_target();     ///< checkpoints of their trainings, likewise

/// All of them.
std::vector<std::unique_ptr<Target>> all_targets();

/// A file as "name size\n" and its bytes, so that several make one input.
std::string pack_file(const std::string& name, const std::string& bytes);
/// The other way; stops at what does not read as one.
std::vector<std::pair<std::string, std::string>> split_files(const std::string& input);

}  // namespace autogo::fuzz
