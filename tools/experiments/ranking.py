#!/usr/bin/env python3
"""ranking.py WORK PREDICTOR...: the tables of experiment E2 from what ranking.sh made.

Spearman between predicted and trained gains of mutants, for each predictor and for trivial ones,
with a bootstrap interval, beside the noise of the recipe and the ceiling that it sets.
"""
import glob
import json
import math
import os
import random
import statistics
import sys

TRIVIAL = ["macs", "params", "weighted_nodes", "depth"]
STARTS = ["two_path", "hiaml"]


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    result = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for k in range(at, end + 1):
            result[order[k]] = (at + end) / 2
        at = end + 1
    return result


def pearson(a, b):
    ma, mb = statistics.fmean(a), statistics.fmean(b)
    sa = math.sqrt(sum((x - ma) ** 2 for x in a))
    sb = math.sqrt(sum((y - mb) ** 2 for y in b))
    if sa == 0 or sb == 0:
        return 0.0
    return sum((x - ma) * (y - mb) for x, y in zip(a, b)) / (sa * sb)


def spearman(a, b):
    return pearson(ranks(a), ranks(b))


def interval(a, b, rng, rounds=2000):
    """90 % bootstrap interval over mutants."""
    values = []
    for _ in range(rounds):
        pick = [rng.randrange(len(a)) for _ in a]
        values.append(spearman([a[i] for i in pick], [b[i] for i in pick]))
    values.sort()
    return values[int(0.05 * rounds)], values[int(0.95 * rounds)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def trained(path):
    """Top-1 in percent by file name and seed; the setting."""
    training = read(path)
    result = {}
    for network in training["networks"]:
        name = os.path.splitext(os.path.basename(network["model"]))[0]
        tops = []
        for run in network["runs"]:
            last = run["epochs"][-1]["tests"] if run["finished"] else None
            tops.append(100 * next(iter(last.values()))["top1"] if last else float("nan"))
        result[name] = tops
    return result, training


class Start:
    """One starting network: its mutants, their predicted and their trained gains."""

    def __init__(self, work, name, predictors):
        self.name = name
        self.tops = {}
        for folder in sorted(glob.glob(f"{work}/{name}-seed*")):
            if os.path.exists(f"{folder}/training.json"):
                tops, self.training = trained(f"{folder}/training.json")
                for model, values in tops.items():
                    self.tops.setdefault(model, []).extend(values)
        self.repeats = trained(f"{work}/{name}-start/training.json")[0][name]
        samples = {p: read(f"{work}/{name}-{p}/mutants.json") for p in predictors}
        first = samples[predictors[0]]
        self.mutants = [
            m for m in first["mutants"]
            if all(map(math.isfinite, self.tops[os.path.basename(m["model"])[:-5]]))
        ]
        self.lost = len(first["mutants"]) - len(self.mutants)
        self.input = self.tops[name]
        self.values = [self.tops[os.path.basename(m["model"])[:-5]] for m in self.mutants]
        self.gains = [statistics.fmean(v) - statistics.fmean(self.input) for v in self.values]
        self.scores = {}
        for p in predictors:
            by_model = {m["model"]: m["predicted_gain"] for m in samples[p]["mutants"]}
            self.scores[p] = [by_model[m["model"]] for m in self.mutants]
        for key in TRIVIAL:
            self.scores[key] = [m[key] for m in self.mutants]

    def noise(self):
        """Deviation of one training over seeds, pooled over networks."""
        groups = [v for v in self.values + [self.repeats] if len(v) > 1]
        squares = sum(statistics.variance(v) * (len(v) - 1) for v in groups)
        return math.sqrt(squares / sum(len(v) - 1 for v in groups))

    def ceiling(self):
        """Spearman that a perfect predictor would have: the square root of the reliability."""
        noise = self.noise() / math.sqrt(len(self.input))
        spread = statistics.variance([statistics.fmean(v) for v in self.values])
        return math.sqrt(max(0.0, 1 - noise**2 / spread)) if spread > 0 else 0.0

    def random_level(self, rng):
        """95th percentile of the correlation of random numbers."""
        n = len(self.gains)
        values = sorted(abs(spearman([rng.random() for _ in range(n)], self.gains)) for _ in range(2000))
        return values[int(0.9 * len(values))]


def title(name):
    if name.endswith("-full"):
        return f"{name[:-5].upper()}, not told how short the training is"
    return name.replace("_", " ") if name in TRIVIAL else name.upper()


def main():
    work, predictors = sys.argv[1], sys.argv[2:]
    rng = random.Random(1)
    starts = [Start(work, s, predictors) for s in STARTS if os.path.exists(f"{work}/{s}-seed1/training.json")]
    setting = starts[0].training
    recipe = setting["recipe"]
    print(f"""# Does the predictor rank mutants as training does? (E2)

Written by `tools/experiments/ranking.sh`, apart from the remarks.

Random mutants (1 to 3 mutations, FLOPs between -20 % and +10 %) of two networks, chosen by no
predictor. Each was trained from scratch on {setting["max_train_images"] or "all"} images of CIFAR-10, shrunk to {recipe["image_size"]} pixels, for
{recipe["epochs"]} epochs (recipe `{recipe["name"]}`, batch {recipe["batch_size"]}) with {len(starts[0].input)} seed(s) and tested on {setting["max_test_images"] or "all"} test images. A gain is the mean top-1
of the mutant minus that of its start, in points. The noise is that of {len(starts[0].repeats)} seeds of the start (and of the mutants', where
they have more than one).

| | {" | ".join(s.name for s in starts)} |
| --- |{" --- |" * len(starts)}""")

    def row(label, cell):
        print(f"| {label} | " + " | ".join(cell(s) for s in starts) + " |")

    row("mutants", lambda s: f"{len(s.mutants)}" + (f" ({s.lost} diverged)" if s.lost else ""))
    row("top-1 of the start, %", lambda s: f"{statistics.fmean(s.input):.2f}")
    row("trained gains, points", lambda s: f"{min(s.gains):+.2f} to {max(s.gains):+.2f}, deviation {statistics.stdev(s.gains):.2f}")
    row("noise of one training, points", lambda s: f"{s.noise():.2f}")
    row("ceiling that the noise sets", lambda s: f"{s.ceiling():.2f}")
    row("random numbers stay below (95 %)", lambda s: f"{s.random_level(rng):.2f}")
    print(f"""
Spearman between predicted and trained gains, in brackets the 90 % interval over mutants:

| predictor | {" | ".join(s.name for s in starts)} |
| --- |{" --- |" * len(starts)}""")
    for name in predictors + TRIVIAL:
        def cell(s):
            low, high = interval(s.scores[name], s.gains, rng)
            return f"{spearman(s.scores[name], s.gains):.2f} [{low:.2f}, {high:.2f}]"
        row(title(name), cell)


if __name__ == "__main__":
    main()
