// randomize MODEL SEED OUT: the model with random weights (random_weights.h).
#include <cstdio>
#include <exception>
#include <string>

#include "random_weights.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: randomize MODEL SEED OUT\n");
    return 2;
  }
  try {
    autogo::write_randomized(autogo::import_onnx(argv[1]), std::stoull(argv[2]), argv[3]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "randomize: %s\n", e.what());
    return 1;
  }
  return 0;
}
