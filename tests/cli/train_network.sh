#!/bin/bash
# autogo train network: two networks on tiny images, a table and JSON, stopped and resumed, and what
# is wrong with data, options and checkpoints.
. "$(dirname "$0")/lib.sh"

# Images of 8 x 8 that are dark (class 0) or bright (class 1), as IDX; no two are alike.
mkdir data
byte() { printf "\\$(printf '%03o' "$1")"; }
images() { # number first
  printf '\0\0\010\003\0\0\0'
  byte "$1"
  printf '\0\0\0\010\0\0\0\010'
  for ((i = 0; i < $1; i++)); do
    for ((p = 0; p < 64; p++)); do byte $((i % 2 ? 180 : 20)); done | head -c 63
    byte $(($2 + i))
  done
}
labels() {
  printf '\0\0\010\001\0\0\0'
  byte "$1"
  for ((i = 0; i < $1; i++)); do byte $((i % 2)); done
}
images 48 0 > data/train-images-idx3-ubyte
labels 48 > data/train-labels-idx1-ubyte
images 16 48 > data/t10k-images-idx3-ubyte
labels 16 > data/t10k-labels-idx1-ubyte

for id in nb201:311111 nb201:ssssss; do
  run "$AUTOGO" corpus network "$id" -o "${id#nb201:}.onnx"
  expect_code 0
done
train=("$AUTOGO" train network --data data --batch-size 8 --max-train-images 16
  --learning-rate 0.01 --clip 1)

run "${train[@]}" 311111.onnx ssssss.onnx --epochs 2 --seeds 2 -o out
if [ "$code" = 5 ] && [[ "$err" == *LibTorch* ]]; then skip "built without LibTorch"; fi
expect_code 0
expect_out_has "network                          macs       params test       metric"
expect_out_has "311111 "
expect_out_has "ssssss "
expect_err_has "311111.onnx: images of 8x8 are resized to the network's 32x32"
expect_err_has "a new classifier of 2 classes takes the place of the one of 10"
expect_err_has "ssssss, seed 2: epoch 2 of 2: loss "
[ "$(ls out)" = "$(printf '311111.trained.onnx\nssssss.trained.onnx\ntraining.json')" ] ||
  problem "expected two models and training.json, found $(ls out)"

# What was trained is what the file has.
run "${train[@]}" out/311111.trained.onnx --epochs 0 --weights file --json
expect_code 0
before="$(grep -o '"before":{"test":{"top1":[0-9.]*,"loss":[0-9.]*' <<< "$out" | grep -o 'loss.*')"
grep -q "$before" out/training.json || problem "expected the trained network's loss to be $before"

# Stopped by a signal, then resumed: the same file as without.
"${train[@]}" 311111.onnx --epochs 500 -o stopped 2> stop.err &
pid=$!
for _ in $(seq 300); do
  grep -q 'epoch 2 of' stop.err && break
  sleep 0.1
done
kill -INT "$pid"
wait "$pid"
code=$?
err="$(cat stop.err)"
expect_code 6
expect_err_has "repeat the command with --resume to continue"
run "${train[@]}" 311111.onnx --epochs 2 --resume -o stopped
expect_code 5
expect_err_has "311111.seed1.checkpoint: is the checkpoint of a training with another network"
rm -r stopped

run "$AUTOGO" train network 311111.onnx --data data --epochs 3 --batch-size 8 --learning-rate 1e30
expect_code 1
expect_err_has "autogo train: 311111.onnx, seed 1: the loss is "

# What is wrong is said in a line.
run "${train[@]}" 311111.onnx --recipe autogo-sr
expect_refusal 2 "recipe 'autogo-sr': classification has short, autogo-cifar10, autogo-imagenet"
run "${train[@]}" 311111.onnx --task detection
expect_refusal 2 "detection"
run "${train[@]}" 311111.onnx --momentum 1
expect_refusal 2 "--momentum: expected at least 0 and below 1"
run "${train[@]}" 311111.onnx --resume
expect_refusal 2 "--resume: name the --output folder"
run "${train[@]}" 311111.onnx --amp
expect_code 2
expect_err_has "mixed precision needs a GPU"
if [ -z "$AUTOGO_SANITIZE" ]; then  # AddressSanitizer ends a process that would see bad_alloc
  run "${train[@]}" 311111.onnx --image-size 400000
  expect_code 1
  expect_err_has "no memory left"
fi
run "$AUTOGO" train network 311111.onnx --data missing
expect_refusal 1 "missing"
head -c 100 data/train-images-idx3-ubyte > data/cut && mv data/cut data/train-images-idx3-ubyte
run "${train[@]}" 311111.onnx
expect_refusal 5 "train-images-idx3-ubyte"

finish
