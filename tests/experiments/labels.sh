#!/bin/bash
# tools/experiments/labels from end to end: two tiny networks and a mutant of each are packed, trained
# on the CPU, stopped and gone on with, and their labels unpacked.
. "$(dirname "$0")/../cli/lib.sh"
labels="$AUTOGO_SOURCE_DIR/tools/experiments/labels"
shared="$AUTOGO_SOURCE_DIR/../shared/data"
python=/usr/bin/python3 # Debian's, which has the packages
[ -d "$shared/cifar10" ] || skip "$shared/cifar10 is missing"
"$python" -c 'import torch' 2> /dev/null || skip "python3-torch is not installed"
"$python" -c 'import PIL' 2> /dev/null || skip "python3-pil is not installed"

# 600 images for training and test each: decoding all takes longer than the rest.
mkdir -p data/cifar10
ln -s "$shared/sr" data/sr
for split in train test; do
  cp "$shared/cifar10/cifar10_${split}_jpeg.bin.gz" data/cifar10
  zcat "$shared/cifar10/cifar10_${split}_jpeg_index.csv.gz" | head -n 601 | gzip \
    > "data/cifar10/cifar10_${split}_jpeg_index.csv.gz"
done

run "$python" "$labels/pack" --tiny data pack
expect_code 0
expect_out_has "pack: 4 networks, 10 trainings, "

train=("$python" pack/train.py --device cpu --images 512 --workers 2)
run "${train[@]}" --only nobody
expect_code 2
expect_err_has "--only: networks.json has no nobody"
run "${train[@]}" --only cell --costs
expect_code 0
expect_out_has "cell: "
[ ! -e pack/labels.jsonl ] || problem "expected --costs to train nothing"
run "${train[@]}" --minutes 0
expect_code 0
expect_out_has "0 of 10 trainings done"
run "${train[@]}" --minutes 10 --only cell
expect_code 0
expect_out_has "4 of 4 trainings done"
printf '{"id": "cell", "se' >> pack/labels.jsonl # as a call leaves it that was killed while writing
run "${train[@]}" --minutes 10
expect_code 0
expect_out_has "6 of 6 trainings done"
[ "$(wc -l < pack/labels.jsonl)" = 10 ] || problem "expected ten lines in labels.jsonl"
run "${train[@]}" --minutes 10
expect_out "all networks have their labels"

run "$python" "$labels/unpack" pack out
expect_code 0
expect_out_has "Trainings of 512 images each, 10 in all."
expect_out_has "| cell | top1 | 1 | "
expect_out_has "| tiny_sr | psnr_db | 1 | "
[ "$(zcat out/cell.jsonl.gz | wc -l)" = 3 ] || problem "expected a header and two labels"
run "$AUTOGO" train predictor --evaluate "$AUTOGO_SOURCE_DIR/data/predictor.pt" --all out/cell.jsonl.gz
[ "$code" = 5 ] && [[ "$err" == *LibTorch* ]] || expect_code 0

finish
