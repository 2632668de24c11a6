#!/bin/bash
# transfer.sh TABLES WORK: the figures of docs/results/transfer.md.
#
# TABLES  folder with nasbench201.csv.gz and nasbench101_sample.jsonl.gz
# WORK    folder for corpora and predictors; what is there already is not made again
# AUTOGO  the program (default: build/release/bin/autogo)
#
# Trains on one family at a time (10 epochs) and measures on all of the other, on accuracy and on
# gains. A training that was stopped goes on where it was. About 15 minutes on two cores. Prints
# the document on standard output.
set -euo pipefail

tables=${1:?folder of the tables}
work=${2:?folder for the results}
# shellcheck source=tools/experiments/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
make_corpora
for kind in psc gnn; do
  for family in nb201 nb101; do
    make_once "$work/$kind-$family.pt" "$autogo" train predictor "$work/$family.jsonl" \
      --brief "$work/$family"_*ep.jsonl --kind "$kind" --seed 1 --epochs 10 --resume
  done
done

number() {  # JSON NAME
  LC_ALL=C printf '%.3f' "$(sed -n "s/.*\"$2\":\([-0-9.e]*\|null\).*/\1/p" <<<"$1")"
}
alone() {  # JSON NAME accuracy|gain
  number "$(sed "s/.*\"$2\":{\([^}]*\)}.*/\1/" <<<"$1")" "$3"
}
measure() {  # PREDICTOR FAMILY: one JSON object on one line, kept in WORK
  local file=$work/$1-on-$2.json
  if [ ! -e "$file" ]; then
    "$autogo" -q train predictor --evaluate "$work/$1.pt" "$work/$2.jsonl" --all --json > "$file.new"
    mv "$file.new" "$file"
  fi
  sed 's/.*"corpora":\[//; s/\]}$//' "$file"
}

row() {  # LABEL COMMAND...: COMMAND JSON accuracy|gain prints a figure
  local label=$1 cells=""
  shift
  for json in "$on101" "$on201"; do
    for what in accuracy gain; do cells="$cells $("$@" "$json" "$what") |"; done
  done
  echo "| $label |$cells"
}
whole() { case $2 in accuracy) number "$1" spearman ;; gain) number "$1" gain_spearman ;; esac; }
part() { alone "$2" "$1" "$3"; }

on101=$(measure psc-nb201 nb101)
on201=$(measure psc-nb101 nb201)
pairs101=$(sed 's/.*"pairs":\([0-9]*\).*/\1/' <<<"$on101")
pairs201=$(sed 's/.*"pairs":\([0-9]*\).*/\1/' <<<"$on201")
cat <<END
## A family that was left out

Spearman's correlation with the truth on all networks of the family that was not trained on:
$(sed 's/.*"graphs":\([0-9]*\).*/\1/' <<<"$on101") cells of NAS-Bench-101, $(sed 's/.*"graphs":\([0-9]*\).*/\1/' <<<"$on201") of NAS-Bench-201. Gains are differences of two cells that differ in one
operation or one edge ($pairs101 and $pairs201 pairs).

| predictor | 201 to 101 | gains | 101 to 201 | gains |
| --- | --- | --- | --- | --- |
$(row "PSC predictor" whole)
$(row "its prior alone" part prior)
$(row "its net alone (the predictor of version 0.1)" part net)
$(row "weighted nodes alone" part weighted_nodes)
$(row "multiply-accumulates alone" part macs)
$(row "parameters alone" part params)
END
on101=$(measure gnn-nb201 nb101)
on201=$(measure gnn-nb101 nb201)
row "GNN predictor" whole
row "its net alone" part net

cat <<END

## Short trainings of a family that was left out

Spearman's correlation on accuracies after fewer epochs: of the predictor that is told how many
images the trainings saw, and of the same one that takes them for full ones.

| family | epochs | images seen | told | not told | weighted nodes alone |
| --- | --- | --- | --- | --- | --- |
END
short_row() {  # TRAINED-ON FAMILY EPOCHS
  local corpus=$2_$3ep images told untold
  images=$(sed -n '1s/.*"training_images":\([0-9]*\).*/\1/p' "$work/$corpus.jsonl")
  sed '1s/"training_images":[0-9]*/"training_images":4320000/' "$work/$corpus.jsonl" \
    > "$work/$corpus-untold.jsonl"
  told=$(measure "psc-$1" "$corpus") untold=$(measure "psc-$1" "$corpus-untold")
  echo "| ${2/nb/NAS-Bench-} | $3 | $images | $(whole "$told" accuracy) | $(whole "$untold" accuracy)" \
    "| $(alone "$told" weighted_nodes accuracy) |"
}
for epochs in 4 12 36; do short_row nb201 nb101 "$epochs"; done
short_row nb101 nb201 12
