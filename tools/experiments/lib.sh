# Helpers of the experiments; sourced. Sets root and autogo; needs tables and work.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
autogo=${AUTOGO:-$root/build/release/bin/autogo}
mkdir -p "${work:?}"

make_once() {  # FILE COMMAND...: COMMAND -o FILE, unless the file is there
  local file=$1
  shift
  [ -e "$file" ] || "$@" -o "$file" >&2
}
make_corpora() {  # WORK/nb201.jsonl and nb101.jsonl from the tables, and after shorter trainings
  local epochs
  make_once "$work/nb201.jsonl" "$autogo" corpus nasbench201 \
    --table "${tables:?}/nasbench201.csv.gz" --label cifar10_test_200ep --skip-none
  make_once "$work/nb101.jsonl" "$autogo" corpus nasbench101 \
    --table "$tables/nasbench101_sample.jsonl.gz" --label val_acc_108ep
  make_once "$work/nb201_12ep.jsonl" "$autogo" corpus nasbench201 \
    --table "$tables/nasbench201.csv.gz" --label cifar10_valid_12ep --skip-none
  for epochs in 4 12 36; do
    make_once "$work/nb101_${epochs}ep.jsonl" "$autogo" corpus nasbench101 \
      --table "$tables/nasbench101_sample.jsonl.gz" --label "val_acc_${epochs}ep"
  done
}
