#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autogo/codegen/codegen.h"
#include "safetensors.h"
#include "section_code.h"

namespace autogo {

/// What the files of both frameworks are made of.
class CodeFile {
 public:
  CodeFile(const Graph& graph, const Dialect& dialect, const CodeOptions& options);
  CodeFile(const CodeFile&) = delete;  // `classes` points into it
  CodeFile& operator=(const CodeFile&) = delete;

  /// The comment that a file begins with.
  std::string header(const std::string& framework) const;
  /// "25.6 M parameters, input 1x3x224x224, output 1x1000"
  std::string description() const;
  /// The weights of all segments.
  /// @param name  of a weight in the file, from its segment's name
  std::vector<StoredTensor> tensors(
      const std::function<std::string(const std::string&, const LayerCode&, const LayerWeight&)>&
          name) const;
  /// Weights first, so that a file that is there has its weights.
  CodeSummary write(const std::string& path, const std::string& text,
                    const std::vector<StoredTensor>& tensors) const;
  std::int64_t parameters() const;

  const CodeOptions options;
  const NetworkView view;
  FileState state;
  std::vector<Section> sections;
  std::vector<SectionCode> codes;  ///< by section
  FileCode classes;
  SectionCode top;  ///< the network: a statement a segment
};

}  // namespace autogo
