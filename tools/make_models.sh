#!/bin/bash
# Writes the sample networks of data/models with the autogo given, or the one of build/release.
# Usage: tools/make_models.sh [AUTOGO] [FOLDER]
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
autogo="${1:-$root/build/release/bin/autogo}"
folder="${2:-$root/data/models}"
mkdir -p "$folder"
for network in edsr_small_x2 edsr_x2 fsrcnn3_x2 fsrcnn4_x2 mobilenet_v2 \
  mobilenet_v2_cifar resnet101 resnet20_cifar resnet50 unet_denoise vgg11_cifar vgg16_bn vgg16_bn_gap; do
  "$autogo" corpus network "$network" -o "$folder/$network.onnx"
done
