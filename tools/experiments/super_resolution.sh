#!/bin/bash
# super_resolution.sh DATA WORK: experiment E3, found super-resolution networks against their start.
#
# DATA    folder with T91 (training), Set5 and Set14 (tests)
# WORK    folder for runs, checkpoints and results; what is there is not made again, and an
#         interrupted search or training goes on
# AUTOGO  the program (default: build/release/bin/autogo)
# STARTS, EPOCHS, REPEAT, SEEDS, JOBS: starting networks (edsr_small_x2 fsrcnn3_x2), epochs (10),
#         patches of an image in an epoch (16), seeds (2), trainings at once (all cores)
#
# Of each front the networks with the highest predicted gain at no more FLOPs and at 15 % fewer are
# trained. Prints docs/results/super_resolution.md on standard output.
set -euo pipefail

data=${1:?folder with T91, Set5 and Set14} work=${2:?folder for the results}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
read -r -a names <<<"${STARTS:-edsr_small_x2 fsrcnn3_x2}"
mkdir -p "$work"
for name in "${names[@]}"; do
  start="$root/data/models/$name.onnx" run="$work/$name-segment-psc"
  if [ ! -e "$run/config.json" ]; then
    "$autogo" -q search --model "$start" --objective flops --iterations 5 --seed 1 -o "$run" >/dev/null
  elif [ ! -e "$run/pareto.json" ]; then
    "$autogo" -q search --resume "$run" >/dev/null
  fi
  mapfile -t models < <(python3 "$root/tools/experiments/gains.py" pick "$work" "$name")
  [ -e "$work/$name-trained/training.json" ] || "$autogo" train network "$start" "${models[@]}" \
    --task super-resolution --data "$data" --recipe short --epochs "${EPOCHS:-10}" \
    --repeat "${REPEAT:-16}" --test-every 0 --weights random --seeds "${SEEDS:-2}" --seed 1 \
    --jobs "${JOBS:-0}" --resume -o "$work/$name-trained" >/dev/null
done
exec python3 "$root/tools/experiments/gains.py" table "$work" "${names[@]}"
