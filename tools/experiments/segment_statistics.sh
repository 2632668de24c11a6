#!/bin/bash
# segment_statistics.sh TABLES WORK: data/segments.json and the tables of docs/results/segments.md.
#
# TABLES  folder with nasbench201.csv.gz and nasbench101_sample.jsonl.gz
# WORK    folder for corpora and databases; corpora that are there already are not made again
# AUTOGO  the program (default: build/release/bin/autogo)
#
# Mines five families together, as data/segments.json is, and each alone with the same options.
# About two minutes on two cores. Prints the tables on standard output.
set -euo pipefail

tables=${1:?folder of the tables}
work=${2:?folder for the results}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
families="nb201 nb101 hiaml two_path inception"
mkdir -p "$work"
cd "$work"

make_once() {  # FILE COMMAND...
  local file=$1
  shift
  [ -e "$file" ] || "$@" -o "$file" >&2
}
make_once nb201.jsonl "$autogo" corpus nasbench201 --table "$tables/nasbench201.csv.gz" \
  --label cifar10_test_200ep --skip-none
make_once nb101.jsonl "$autogo" corpus nasbench101 \
  --table "$tables/nasbench101_sample.jsonl.gz" --label val_acc_108ep
make_once hiaml.jsonl "$autogo" corpus hiaml --count 4600 --seed 0
make_once two_path.jsonl "$autogo" corpus two-path --count 6900 --seed 0
make_once inception.jsonl "$autogo" corpus inception --count 580 --seed 0

mine() {  # NAME CORPUS...: NAME.json and NAME.stats
  local name=$1
  shift
  "$autogo" -q mine "$@" --vocab-size 3000 --sample 7000 --seed 0 --stats -o "$name.json" \
    > "$name.stats"
}
for family in $families; do mine "$family" "$family.jsonl"; done
mine segments nb201.jsonl nb101.jsonl hiaml.jsonl two_path.jsonl inception.jsonl

databases="segments $families"
number() {  # DATABASE WORDS: the number before these words in its first two lines
  head -n 2 "$1.stats" | grep -oE "[0-9.]+ $2" | head -n 1 | cut -d ' ' -f 1
}
row() {  # TITLE WORDS
  local line="| $1" name
  for name in $databases; do line="$line | $(number "$name" "$2")"; done
  echo "$line |"
}
heading() {  # TITLE
  echo "| $1 | all five | NB-201 | NB-101 | HiAML | Two-Path | Inception |"
  echo "| --- | --- | --- | --- | --- | --- | --- |"
}
histogram() {  # TITLE, as `autogo mine --stats` prints it: segments by value, one column a database
  local name files=()
  for name in $databases; do files+=("$name.stats"); done
  heading "$1"
  awk -v title="$1" '
    FNR == 1 { ++column; inside = 0 }
    /^[a-z]/ { inside = ($0 == title) }
    inside && /^ / { count[$1, column] = $2; if ($1 > last) last = $1 }
    END {
      for (value = 0; value <= last; ++value) {
        line = "| " value; any = 0
        for (c = 1; c <= column; ++c) { n = count[value, c] + 0; any += n; line = line " | " n }
        if (any) print line " |"
      }
    }' "${files[@]}"
  echo
}

heading "what"
row "networks" "graphs"
row "nodes of them" "nodes$"
row "segments" "segments, "
row "of several nodes" "segments of several nodes"
row "that can be inserted" "segments that can be inserted"
row "in several pieces" "in several pieces"
row "topologies" "topologies"
row "nodes, mean" "nodes and"
row "edges, mean" "edges$"
echo
for title in "nodes in a segment" "edges within a segment" "inputs of a segment" \
  "outputs of a segment" "nodes of a segment that read an input" \
  "nodes of a segment that give an output" "edges into a node" "edges out of a node" \
  "nodes of a topology"; do
  histogram "$title"
done
echo "Operators, by segments of the five that have them: $(awk '
  /^[a-z]/ { inside = ($0 == "operators, by segments that have them") }
  inside && /^ / { printf "%s%s %s", separator, $1, $2; separator = ", " }' segments.stats)."
