// autogo-spm: SentencePiece's byte-pair encoding behind two pipes.
//
// SentencePiece and protobuf cannot share a process on Debian 12 (two copies of protobuf, one set
// of symbols), and the rest of autogo needs protobuf for ONNX. So training runs here, in a program
// that links SentencePiece alone and starts in 2 ms. Nothing touches the disk unless --model asks
// for it: sentences come in on standard input, pieces go out on standard output.
//
//   autogo-spm train --vocab-size N --max-piece L [--model FILE]
//     in:   "<number of lines>\n", then lines "<sentence>\t<count>\n"
//     out:  "piece\t<piece>\n" for every piece of several symbols, best first, then "done\n"
//   autogo-spm encode --model FILE
//     in:   lines "<sentence>\n"
//     out:  for every line its pieces, separated by tabs (tests compare our merging with it)
//
// The count up front and "done" at the end let both sides tell a finished stream from a dead peer.
// Errors: one line on standard error, exit 1.
//
// Tested by tests/segment/trainer_test.cc.

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

namespace spm = sentencepiece;

void require_ok(const spm::util::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

/// Announced number of "<sentence>\t<count>" lines of standard input.
class StdinSentences : public spm::SentenceIterator {
 public:
  StdinSentences() {
    std::string count;
    if (!std::getline(std::cin, count)) throw std::runtime_error("no input");
    left_ = std::stoull(count);
    advance();
  }
  bool done() const override { return done_; }
  void Next() override { advance(); }
  const std::string& value() const override { return line_; }
  spm::util::Status status() const override { return {}; }

 private:
  void advance() {
    done_ = left_ == 0;
    if (done_) return;
    if (!std::getline(std::cin, line_)) {
      throw std::runtime_error("the input ended with " + std::to_string(left_) + " lines to come");
    }
    --left_;
  }

  std::uint64_t left_ = 0;
  std::string line_;
  bool done_ = false;
};

std::size_t symbols_of(std::string_view utf8) {
  std::size_t n = 0;
  for (const char c : utf8) n += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  return n;
}

void train(const std::map<std::string, std::string>& options) {
  StdinSentences sentences;
  // Symbols are taken as they come: no normalisation, no rule about scripts, digits or spaces.
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", "bpe"},
      {"vocab_size", options.at("--vocab-size")},
      {"max_sentencepiece_length", options.at("--max-piece")},
      {"input_format", "tsv"},
      {"max_sentence_length", "1000000000"},
      {"character_coverage", "1.0"},
      {"hard_vocab_limit", "false"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"split_by_unicode_script", "false"},
      {"split_by_number", "false"},
      {"split_by_whitespace", "false"},
      {"split_digits", "false"},
      {"bos_id", "-1"},
      {"eos_id", "-1"},
      {"pad_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "2"},
  };
  std::string model;
  require_ok(spm::SentencePieceTrainer::Train(settings, &sentences, &model));
  if (options.contains("--model")) {
    std::ofstream file(options.at("--model"), std::ios::binary);
    if (!(file << model << std::flush)) throw std::runtime_error("cannot write the model");
  }
  spm::SentencePieceProcessor processor;
  require_ok(processor.LoadFromSerializedProto(model));
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    const std::string& piece = processor.IdToPiece(id);
    if (!processor.IsUnknown(id) && symbols_of(piece) > 1) std::cout << "piece\t" << piece << '\n';
  }
  std::cout << "done\n";
}

void encode(const std::map<std::string, std::string>& options) {
  spm::SentencePieceProcessor processor;
  require_ok(processor.Load(options.at("--model")));
  std::string line;
  std::vector<std::string> pieces;
  while (std::getline(std::cin, line)) {
    require_ok(processor.Encode(line, &pieces));
    for (std::size_t i = 0; i < pieces.size(); ++i) std::cout << (i > 0 ? "\t" : "") << pieces[i];
    std::cout << '\n';
  }
}

int run(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 2; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "train") {
    train(options);
  } else if (verb == "encode") {
    encode(options);
  } else {
    throw std::runtime_error(
        "usage: autogo-spm train|encode ... (a part of autogo; see its source)");
  }
  std::cout.flush();
  if (!std::cout) throw std::runtime_error("cannot write the result");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "autogo-spm: " << e.what() << '\n';
    return 1;
  }
}
