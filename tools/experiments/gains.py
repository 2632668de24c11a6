#!/usr/bin/env python3
"""gains.py pick WORK START: the networks of experiment E1 that are to be trained, a path a line.
gains.py table WORK START...: the tables of docs/results/gains.md (see gains.sh)."""
import json
import math
import os
import statistics
import sys

VARIANTS = ["operator-gnn", "segment-gnn", "segment-psc"]
FEWER = 0.85  # of the start's FLOPs


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def picks(work, start, variant):
    """(kind, path, member) of a front: highest gain; leanest in FLOPs."""
    run = f"{work}/{start}-{variant}"
    pareto = read(f"{run}/pareto.json")
    front = [m for m in pareto["members"] if m["rank"] == 1]
    chosen = [("accuracy", max(front, key=lambda m: m["predicted_gain"]))]
    lean = [m for m in front if m["macs"] <= FEWER * pareto["input"]["macs"]]
    if lean:
        chosen.append(("FLOPs", max(lean, key=lambda m: m["predicted_gain"])))
    return [(kind, f"{run}/{m['model']}", m) for kind, m in chosen], pareto["input"]


def pick(work, start):
    seen = set()
    for variant in VARIANTS:
        for _, path, _ in picks(work, start, variant)[0]:
            if os.path.basename(path) not in seen:  # two variants may find the same network
                seen.add(os.path.basename(path))
                print(path)


def trained(work, start):
    training = read(f"{work}/{start}-trained/training.json")
    tops = {}
    for network in training["networks"]:
        runs = [r for r in network["runs"] if r["finished"]]
        tops[os.path.basename(network["model"])] = [
            100 * next(iter(r["epochs"][-1]["tests"].values()))["top1"] for r in runs
        ]
    return tops, training


def mean_text(values):
    if not values:
        return "diverged"
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.2f} ± {spread:.2f}"


def verdict(start, found, flops):
    """Better beyond one standard deviation of the difference's mean? (the issue's two ways)"""
    if len(found) < 2:
        return ""
    gain = statistics.fmean(found) - statistics.fmean(start)
    noise = math.sqrt(statistics.variance(found) + statistics.variance(start))
    if flops <= 1 and gain > noise:
        return "more accurate"
    if flops <= FEWER and gain >= 0:
        return "leaner"
    if flops <= FEWER and gain > -noise:
        return "leaner, within noise"
    return ""


def table(work, starts):
    _, training = trained(work, starts[0])
    recipe = training["recipe"]
    seeds = len(training["networks"][0]["runs"])
    print(f"""# What found networks are worth once they are trained (E1)

Written by `tools/experiments/gains.sh`, apart from the remarks.

Each search: 5 iterations, seed 1, FLOPs between -20 % and +10 %. All networks were trained from scratch on
{training["max_train_images"] or "all"} images of CIFAR-10, shrunk to {recipe["image_size"]} pixels, for {recipe["epochs"]} epochs (recipe `{recipe["name"]}`), {seeds} seeds, and tested
on {training["max_test_images"] or "all"} test images. FLOPs are of the network at its own size.

| start | search | pick | FLOPs | | predicted gain | top-1, % | |
| --- | --- | --- | --- | --- | --- | --- | --- |""")
    for start in starts:
        tops, _ = trained(work, start)
        own = tops[f"{start}.onnx"]
        base = picks(work, start, VARIANTS[0])[1]
        print(f"| {start} | | | {base['flops'] / 1e6:.1f} M | | | {mean_text(own)} | |")
        for variant in VARIANTS:
            for kind, path, member in picks(work, start, variant)[0]:
                ratio = member["macs"] / base["macs"]
                values = tops[os.path.basename(path)]
                print(f"| | {variant.replace('-', ' + ').upper().replace('OPERATOR', 'operator').replace('SEGMENT', 'segment')} | {kind} "
                      f"| {member['flops'] / 1e6:.1f} M | {100 * (ratio - 1):+.1f} % | {member['predicted_gain']:+.3f} "
                      f"| {mean_text(values)} | {verdict(own, values, ratio)} |")


if __name__ == "__main__":
    if sys.argv[1] == "pick":
        pick(sys.argv[2], sys.argv[3])
    else:
        table(sys.argv[2], sys.argv[3:])
