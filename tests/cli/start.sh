#!/bin/bash
# `autogo --version` loads nothing heavy: LibTorch and SentencePiece come when they are needed.
# (How long it takes is measured by tools/bench.sh.)
. "$(dirname "$0")/lib.sh"

# loaded COMMAND...: what the dynamic linker maps, by its own account, into $loaded.
loaded() {
  run env LD_DEBUG=files "$@"
  expect_code 0
  loaded="$(grep -o 'calling init: .*' <<< "$err" | sed 's/.*\///')"
  [[ "$loaded" == *libonnx* ]] || problem "expected the linker to name the libraries"
}

loaded "$AUTOGO" --version
for heavy in torch c10 sentencepiece Halide; do
  [[ "$loaded" != *"$heavy"* ]] || problem "expected $heavy not to be loaded"
done
finish
