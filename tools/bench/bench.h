#pragma once

// What the benchmark program's parts share. Not part of the library.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace autogo::bench {

struct Options {
  std::string autogo;     ///< the program whose commands are timed
  std::string tables;     ///< folder with the benchmark tables; empty: mining is left out
  std::string model;      ///< ResNet-50
  std::string segments;   ///< segment database
  std::string predictor;  ///< empty: a stand-in without a network
  std::string scratch;    ///< folder for what the commands write
  int runs = 5;           ///< of each short command
};

/// One line of the table.
struct Row {
  std::string what;
  std::string paper;  ///< its figure, on servers
  std::string goal;
  std::string here;  ///< measured, or why not
  bool met = true;
};

/// Times and peak memory of a command, child processes included.
struct CommandTime {
  double seconds = 0;      ///< wall clock
  double cpu_seconds = 0;  ///< of all threads; what a busy machine does not spoil
  double peak_mib = 0;     ///< of the largest single process
};
/// Median over `runs`; standard output is dropped, standard error shown.
/// @throws Error kIo when the command fails
CommandTime time_command(const std::vector<std::string>& argv, int runs);

/// Micro-benchmarks (Google Benchmark): prints them, returns the rows that are in the table.
std::vector<Row> micro_benchmarks(const Options& options);
/// Whole commands and searches.
std::vector<Row> whole_benchmarks(const Options& options);

/// "12.0 ms (10.1 ms of CPU)".
std::string time_text(const CommandTime& time);
/// "0.213 ms", "3.4 s": three digits, the unit that fits.
std::string time_text(double seconds);

}  // namespace autogo::bench
