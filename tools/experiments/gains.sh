#!/bin/bash
# gains.sh TABLES DATA WORK: experiment E1, what found networks are worth once they are trained.
#
# TABLES  folder with nasbench201.csv.gz (its best cell is one of the four starts)
# DATA    CIFAR-10 in its binary layout
# WORK    folder for networks, runs, checkpoints and results; what is there is not made again, and
#         an interrupted search or training goes on
# AUTOGO  the program (default: build/release/bin/autogo)
# PSC, GNN  predictors (default: data/predictor.pt, and WORK/gnn.pt, see predictor_baselines.sh)
# REFINED   a predictor that learned from trained networks (none by default; ranking.sh's, say):
#           the closed loop as a fourth search
# STARTS, EPOCHS, IMAGES, TESTS, SIZE, SEEDS, JOBS: starting networks (all four), epochs (3),
#         training and test images (8000, 5000), their side in pixels (16), seeds (3), trainings at
#         once (all cores)
# RECIPE  further options of `train network` (default: that of ranking.sh)
#
# PICKS   which networks of each front are trained (both): "accuracy", the highest predicted
#         gain at no more FLOPs, "FLOPs", that at 15 % fewer or less
#
# Prints docs/results/gains.md on standard output.
set -euo pipefail

tables=${1:?folder of the tables} data=${2:?folder of CIFAR-10} work=${3:?folder for the results}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
psc=${PSC:-$root/data/predictor.pt} gnn=${GNN:-$work/gnn.pt}
read -r -a recipe <<<"${RECIPE:---batch-size 32 --learning-rate 0.05 --warmup-epochs 0.3}"
epochs=${EPOCHS:-3} images=${IMAGES:-8000}
read -r -a names <<<"${STARTS:-two_path hiaml inception nb201}"
mkdir -p "$work"

best_cell() {
  local table="$work/nb201.jsonl"
  [ -e "$table" ] || "$autogo" corpus nasbench201 --table "$tables/nasbench201.csv.gz" \
    --label cifar10_test_200ep --skip-none -o "$table" >&2
  python3 - "$table" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
print(max((r for r in rows if "label" in r and "id" in r), key=lambda r: r["label"])["id"])
PYTHON
}
id_of() {
  case $1 in
    two_path) echo 'two_path:mp+c5+r2k3*,s3*|r4k3*,r4k3+c1*' ;;
    hiaml) echo 'hiaml:a22-t20-t20-src8' ;;
    inception) echo 'inception:2@16>16:mp+p3;16>16:s3+w5;16>16:c5+ap/2@16>32:d1+s5;64>32:w3+c1/2@128>128:p5+c5/2@64>64:ap+p3;64>64:p5+c3;128>64:c3+s3;32>64:s5+w3' ;;
    nb201) best_cell ;;
    *) echo "gains.sh: no start '$1'" >&2; exit 2 ;;
  esac
}
search() {  # NAME VARIANT OPTION...
  local run="$work/$1-$2" name=$1
  shift 2
  if [ -e "$run/config.json" ]; then
    [ -e "$run/pareto.json" ] || "$autogo" -q search --resume "$run" >/dev/null
  else
    "$autogo" -q search --model "$work/$name.onnx" --objective flops --iterations 5 --seed 1 \
      --training-images "$((images * epochs))" -o "$run" "$@" >/dev/null
  fi
}
for name in "${names[@]}"; do
  [ -e "$work/$name.onnx" ] || "$autogo" corpus network "$(id_of "$name")" -o "$work/$name.onnx" >&2
  search "$name" operator-gnn --mutation operator --predictor "$gnn"
  search "$name" segment-gnn --mutation segment --predictor "$gnn"
  search "$name" segment-psc --mutation segment --predictor "$psc"
  [ -z "${REFINED:-}" ] || search "$name" segment-refined --mutation segment --predictor "$REFINED"
  mapfile -t models < <(python3 "$root/tools/experiments/gains.py" pick "$work" "$name")
  [ -e "$work/$name-trained/training.json" ] || "$autogo" train network "$work/$name.onnx" \
    "${models[@]}" --data "$data" --recipe short --epochs "$epochs" \
    --max-train-images "$images" --max-test-images "${TESTS:-5000}" \
    --image-size "${SIZE:-16}" "${recipe[@]}" --test-every 0 --weights random --seeds "${SEEDS:-3}" --seed 1 \
    --jobs "${JOBS:-0}" --resume -o "$work/$name-trained" >/dev/null
done
exec python3 "$root/tools/experiments/gains.py" table "$work" "${names[@]}"
