#!/bin/bash
# predictor_baselines.sh TABLES WORK: the figures of docs/results/predictor.md.
#
# TABLES  folder with nasbench201.csv.gz and nasbench101_sample.jsonl.gz
# WORK    folder for corpora and predictors; what is there already is not made again, so PSC.pt may
#         be a link to data/predictor.pt
# AUTOGO  the program (default: build/release/bin/autogo)
#
# Trains PSC and GNN on both families as shipped. About 35 minutes on two cores. Prints the document
# on standard output. Families that were left out: transfer.sh.
set -euo pipefail

tables=${1:?folder of the tables}
work=${2:?folder for the results}
# shellcheck source=tools/experiments/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
make_corpora
make_once "$work/psc.pt" "$autogo" train predictor "$work/nb201.jsonl" "$work/nb101.jsonl" \
  --kind psc --seed 1 --segments "$root/data/segments.json" \
  --brief "$work"/nb*_*ep.jsonl
make_once "$work/gnn.pt" "$autogo" train predictor "$work/nb201.jsonl" "$work/nb101.jsonl" \
  --kind gnn --seed 1 --brief "$work"/nb*_*ep.jsonl

field() {  # JSON NAME: the first number of that name
  sed -n "s/.*\"$2\":\([-0-9.e]*\|null\).*/\1/p" <<<"$1" | head -n 1
}
measure() {  # PREDICTOR FAMILY: one JSON object on one line
  "$autogo" -q train predictor --evaluate "$1" "$work/$2.jsonl" --json |
    sed 's/.*"corpora":\[//; s/\]}$//'
}
round() { LC_ALL=C printf '%.3f' "$1"; }

row() {  # LABEL PREDICTOR
  local a b
  a=$(measure "$2" nb201)
  b=$(measure "$2" nb101)
  echo "| $1 | $(round "$(field "$a" spearman)") | $(round "$(field "$a" kendall)")" \
    "| $(round "$(field "$a" gain_spearman)") | $(round "$(field "$b" spearman)")" \
    "| $(round "$(field "$b" kendall)") | $(round "$(field "$b" gain_spearman)") |"
}
alone() {  # JSON NAME accuracy|gain
  field "$(sed "s/.*\"$2\":{\([^}]*\)}.*/\1/" <<<"$1")" "$3"
}
trivial() {  # LABEL NAME
  echo "| $1 | $(round "$(alone "$held201" "$2" accuracy)") | |" \
    "$(round "$(alone "$held201" "$2" gain)")" \
    "| $(round "$(alone "$held101" "$2" accuracy)") | | $(round "$(alone "$held101" "$2" gain)") |"
}

held201=$(measure "$work/psc.pt" nb201)
held101=$(measure "$work/psc.pt" nb101)
cat <<END
## On networks that were held out

$(field "$held201" graphs) cells of NAS-Bench-201 (CIFAR-10 test accuracy after 200 epochs, cells
without \`none\`) and $(field "$held101" graphs) of NAS-Bench-101 (validation accuracy after 108
epochs): a tenth of each, chosen by a hash of the cell's id and the seed, never trained on.
Correlations are means over 10 folds with one random cut per network; the GNN sees no cuts.

| predictor | NB-201 Spearman | Kendall | gains, Spearman | NB-101 Spearman | Kendall | gains |
| --- | --- | --- | --- | --- | --- | --- |
$(row "PSC, the shipped one" "$work/psc.pt")
$(row "GNN" "$work/gnn.pt")
$(trivial "weighted nodes alone" weighted_nodes)
$(trivial "multiply-accumulates alone" macs)
$(trivial "parameters alone" params)
END

cat <<END

## After shorter trainings, on the same held-out cells

Spearman of the shipped predictor when it is told how many images the trainings saw, and when it
takes them for full ones.

| family | epochs | told | not told | weighted nodes alone |
| --- | --- | --- | --- | --- |
END
short_row() {  # LABEL FAMILY EPOCHS
  local corpus=$2_$3ep told untold
  sed '1s/"training_images":[0-9]*/"training_images":4320000/' "$work/$corpus.jsonl" \
    > "$work/$corpus-untold.jsonl"
  told=$(measure "$work/psc.pt" "$corpus")
  untold=$(measure "$work/psc.pt" "$corpus-untold")
  echo "| $1 | $3 | $(round "$(field "$told" spearman)") | $(round "$(field "$untold" spearman)")" \
    "| $(round "$(alone "$told" weighted_nodes accuracy)") |"
}
for epochs in 4 12 36; do short_row NAS-Bench-101 nb101 "$epochs"; done
short_row NAS-Bench-201 nb201 12
