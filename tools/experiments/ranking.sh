#!/bin/bash
# ranking.sh DATA WORK: experiment E2, does the predictor rank mutants as training does?
#
# DATA    CIFAR-10 in its binary layout
# WORK    folder for networks, checkpoints and results; what is there is not made again, and an
#         interrupted training goes on
# AUTOGO  the program (default: build/release/bin/autogo)
# PREDICTORS  NAME=FILE...: predictors to compare (default: psc=data/predictor.pt); each is told how
#         long the trainings are, and for comparison not told (NAME-full)
# COUNT, EPOCHS, IMAGES, TESTS, SEEDS, START_SEEDS, JOBS: mutants of a network (40), epochs (3),
#         training images (8000), test images (5000), seeds of every network (1) and of the two
#         starts (5, for the noise of the recipe), trainings at once (all cores)
# SIZE    side of the images in pixels (16: a quarter of the time of 32)
# RECIPE  further options of `train network` (default: --batch-size 32 --learning-rate 0.05
#         --warmup-epochs 0.3: four times the steps of batches of 128 at hardly more time)
# STARTS  starting networks (default: two_path hiaml)
#
# Prints docs/results/ranking.md on standard output.
set -euo pipefail

data=${1:?folder of CIFAR-10} work=${2:?folder for the results}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
read -r -a predictors <<<"${PREDICTORS:-psc=$root/data/predictor.pt}"
count=${COUNT:-40} epochs=${EPOCHS:-3} images=${IMAGES:-8000} tests=${TESTS:-5000} size=${SIZE:-16}
read -r -a recipe <<<"${RECIPE:---batch-size 32 --learning-rate 0.05 --warmup-epochs 0.3}"
read -r -a names <<<"${STARTS:-two_path hiaml}"
declare -A starts=(
  [two_path]='two_path:mp+c5+r2k3*,s3*|r4k3*,r4k3+c1*'
  [hiaml]='hiaml:a22-t20-t20-src8'
)
mkdir -p "$work"

for name in "${names[@]}"; do
  start="$work/$name.onnx"
  [ -e "$start" ] || "$autogo" corpus network "${starts[$name]}" -o "$start" >&2
  for predictor in "${predictors[@]}"; do
    for told in "$((images * epochs))" 0; do
      sample="$work/$name-${predictor%%=*}"
      [ "$told" != 0 ] || sample="$sample-full"
      [ -e "$sample/mutants.json" ] || "$autogo" -q mutate --model "$start" --count "$count" \
        --max-mutations 3 --seed 1 --predictor "${predictor#*=}" --training-images "$told" \
        -o "$sample" >/dev/null
    done
  done
done

train() {  # FOLDER SEED SEEDS MODEL...
  local folder=$1 seed=$2 seeds=$3
  shift 3
  [ -e "$folder/training.json" ] || "$autogo" train network "$@" --data "$data" --recipe short \
    --epochs "$epochs" --max-train-images "$images" --max-test-images "$tests" --image-size "$size" --test-every 0 "${recipe[@]}" \
    --weights random --seed "$seed" --seeds "$seeds" --jobs "${JOBS:-0}" --resume -o "$folder" \
    >/dev/null
}
for name in "${names[@]}"; do
  train "$work/$name-start" 101 "${START_SEEDS:-5}" "$work/$name.onnx"
done
for seed in $(seq 1 "${SEEDS:-1}"); do
  for name in "${names[@]}"; do
    train "$work/$name-seed$seed" "$seed" 1 "$work/$name.onnx" \
      "$work/$name-${predictors[0]%%=*}"/models/*.onnx
  done
done
judges=()
for predictor in "${predictors[@]%%=*}"; do judges+=("$predictor" "$predictor-full"); done
exec python3 "$root/tools/experiments/ranking.py" "$work" "${judges[@]}"
