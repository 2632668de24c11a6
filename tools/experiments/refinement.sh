#!/bin/bash
# refinement.sh WORK: experiment E4, what --refine learns from half of E2's mutants about the other.
#
# WORK    the folder of ranking.sh, its trainings done
# AUTOGO  the program (default: build/release/bin/autogo)
# PREDICTOR  that is refined (default: data/predictor.pt)
#
# A minute. Prints docs/results/refinement.md on standard output.
set -euo pipefail

work=${1:?folder of ranking.sh}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
predictor=${PREDICTOR:-$root/data/predictor.pt}
images_seen() {  # START: by each training of its mutants
  python3 -c 'import json, sys
t = json.load(open(sys.argv[1]))
print(t["recipe"]["epochs"] * t["networks"][0]["runs"][0]["training_images"])' \
    "$work/$1-seed1/training.json"
}
scores() {  # START PREDICTOR: the gains that it predicts for the start's mutants
  local name
  name="$work/refine/$1-$(basename "$2" .pt)"
  rm -rf "$name"
  "$autogo" -q mutate --model "$work/$1.onnx" --count "${COUNT:-40}" --max-mutations 3 --seed 1 \
    --training-images "$(images_seen "$1")" \
    --predictor "$2" -o "$name" > /dev/null
}
rm -rf "$work/refine"
mkdir -p "$work/refine"
cp "$predictor" "$work/refine/before.pt"
python3 "$root/tools/experiments/refinement.py" split "$work"
for part in two_path-0 two_path-1 hiaml-0 hiaml-1 two_path-all hiaml-all; do
  "$autogo" -q train predictor --refine "$work/refine/$part" --predictor "$predictor" \
    -o "$work/refine/$part.pt" > /dev/null
done
for start in two_path hiaml; do
  scores "$start" "$work/refine/before.pt"
  for part in two_path-0 two_path-1 hiaml-0 hiaml-1 two_path-all hiaml-all; do
    scores "$start" "$work/refine/$part.pt"
  done
done
exec python3 "$root/tools/experiments/refinement.py" table "$work"
