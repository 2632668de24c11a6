// From a graph to the parts of a Python file, for both frameworks.

#include "code_file.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include "autogo/base/error.h"
#include "autogo/base/file.h"

namespace autogo {
namespace {

Program lowered(const Graph& graph, const CodeOptions& options) {
  ExportOptions out;
  out.seed = options.seed;
  return lower(graph, out);
}

/// The network's own statements: one a segment, on variables that are used again when they can be.
class TopEmitter {
 public:
  TopEmitter(const CodeFile& file, const Dialect& dialect)
      : file_(file),
        dialect_(dialect),
        view_(file.view),
        sections_(file.sections),
        classes_(file.classes) {}

  SectionCode emit() {
    for (const Section& section : sections_) {
      for (const int v : section.inputs) ++uses_[v];
    }
    for (const int v : view_.program().outputs) {
      AUTOGO_REQUIRE(view_.computed(v), ErrorKind::kUnsupported,
                     "output '" + view_.value(v).name + "' does not depend on the input");
      ++uses_[v];
    }
    for (const int v : view_.program().inputs) {
      names_[v] = fresh();
      code_.arguments.push_back(names_[v]);
    }
    for (std::size_t s = 0; s < sections_.size(); ++s) statement(s);
    std::string results;
    for (const int v : view_.program().outputs) {
      const PyExpr result = dialect_.result(file_.state, view_.shape(v), v, names_.at(v));
      results += (results.empty() ? "" : ", ") + result.text;
    }
    code_.lines.push_back("return " + results);
    return std::move(code_);
  }

 private:
  void statement(std::size_t s) {
    const Section& section = sections_[s];
    std::string arguments, targets;
    for (const int v : section.inputs) {
      arguments += (arguments.empty() ? "" : ", ") + names_.at(v);
    }
    std::vector<std::string> dying;
    for (const int v : section.inputs) {
      if (--uses_[v] > 0) continue;
      dying.push_back(names_.at(v));
      taken_.erase(names_.at(v));
    }
    for (const int v : section.outputs) {
      std::string name;
      for (const std::string& free : dying) {
        if (name.empty() && !taken_.contains(free)) name = free;
      }
      if (name.empty()) {
        name = fresh();
      } else {
        taken_.insert(name);
      }
      names_[v] = name;
      targets += (targets.empty() ? "" : ", ") + name;
    }
    const SectionUse& use = classes_.uses[s];
    const ClassCode& made = classes_.classes[use.class_index];
    code_.lines.push_back(targets + " = " + dialect_.call(use, made, arguments));
  }

  std::string fresh() {
    if (taken_.insert("x").second) return "x";
    for (int i = 1;; ++i) {
      std::string name = "x" + std::to_string(i);
      if (taken_.insert(name).second) return name;
    }
  }

  const CodeFile& file_;
  const Dialect& dialect_;
  const NetworkView& view_;
  const std::vector<Section>& sections_;
  const FileCode& classes_;
  SectionCode code_;
  std::map<int, std::string> names_;
  std::map<int, int> uses_;
  std::set<std::string> taken_;
};

template <typename Number>
std::string bytes_of(const std::vector<Number>& values) {
  std::string bytes(values.size() * sizeof(Number), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

CodeFile::CodeFile(const Graph& graph, const Dialect& dialect, const CodeOptions& code_options)
    : options(code_options), view(graph, lowered(graph, code_options)) {
  dialect.start(state, view);
  sections = find_sections(view);
  for (const Section& section : sections) {
    codes.push_back(SectionEmitter(view, dialect, state).emit(section));
  }
  classes = share_classes(sections, codes);
  top = TopEmitter(*this, dialect).emit();
}

std::string CodeFile::description() const {
  auto shapes = [&](const std::vector<int>& values) {
    std::string text;
    for (const int v : values) {
      Shape shape = view.shape(v);
      std::string dims = to_string(shape);
      const bool batch = shape.has_rank() && shape.rank() > 1 && view.batch_axis(v) == 0;
      if (batch) dims = "N" + dims.substr(std::min(dims.find('x'), dims.size()));
      text += (text.empty() ? "" : ", ") + dims;
    }
    return text;
  };
  return std::to_string(parameters()) + " parameters; input " + shapes(view.program().inputs) +
         ", output " + shapes(view.program().outputs) + ".";
}

std::string CodeFile::header(const std::string& framework) const {
  std::string text = "\"\"\"A " + framework + " network";
  if (!options.source.empty()) {
    std::string source = options.source;
    std::ranges::replace(source, '"', '\'');
    std::ranges::replace(source, '\\', '/');
    text += ", exported by autogo from " + source;
  }
  return text + ".\n\n    from FILE import load\n    network = load()\n\"\"\"\n\n";
}

std::vector<StoredTensor> CodeFile::tensors(
    const std::function<std::string(const std::string&, const LayerCode&, const LayerWeight&)>&
        name) const {
  std::vector<StoredTensor> list;
  for (std::size_t s = 0; s < codes.size(); ++s) {
    for (const LayerCode& layer : codes[s].layers) {
      for (const LayerWeight& weight : layer.weights) {
        list.push_back({name(classes.uses[s].name, layer, weight), weight.integers ? "I64" : "F32",
                        weight.dims, [&weight] {
                          return weight.integers ? bytes_of(weight.integers())
                                                 : bytes_of(weight.make());
                        }});
      }
    }
  }
  return list;
}

std::int64_t CodeFile::parameters() const {
  std::int64_t sum = 0;
  for (const SectionCode& code : codes) {
    for (const LayerCode& layer : code.layers) {
      for (const LayerWeight& weight : layer.weights) {
        std::int64_t size = 1;
        for (const std::int64_t d : weight.dims) size *= d;
        sum += weight.trained ? size : 0;
      }
    }
  }
  return sum;
}

CodeSummary CodeFile::write(const std::string& path, const std::string& text,
                            const std::vector<StoredTensor>& tensors) const {
  const std::filesystem::path python(path);
  const std::string weights =
      std::filesystem::path(python).replace_extension("safetensors").string();
  std::string named = text;
  if (const std::size_t at = named.find("from FILE import"); at != std::string::npos) {
    named.replace(at + 5, 4, python.stem().string());
  }
  write_safetensors(weights, tensors);
  write_file_atomic(path, named);
  CodeSummary summary;
  summary.weights = weights;
  summary.segments = sections.size();
  summary.classes = classes.classes.size();
  summary.parameters = parameters();
  return summary;
}

}  // namespace autogo
