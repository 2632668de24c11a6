#!/usr/bin/env python3
"""refinement.py split WORK: halves of E2's trained mutants, for --refine.
refinement.py table WORK: the tables of docs/results/refinement.md (see refinement.sh)."""
import json
import os
import random
import sys

from ranking import STARTS, Start, interval, read, spearman


def halves(start):
    """Indices of every other mutant: both halves have mutants of every number of mutations."""
    n = len(start.mutants)
    return list(range(0, n, 2)), list(range(1, n, 2))


def starts(work):
    """E2's starts; any of its samples names the mutants."""
    samples = [f[len("two_path-"):] for f in os.listdir(work)
               if os.path.exists(f"{work}/{f}/mutants.json") and f.startswith("two_path-")]
    return [Start(work, name, sorted(samples)[:1]) for name in STARTS]


def split(work):
    for start in starts(work):
        folder = sorted(f for f in os.listdir(work) if f.startswith(f"{start.name}-")
                        and os.path.exists(f"{work}/{f}/mutants.json"))[0]
        first, second = halves(start)
        for part, members in (("0", first), ("1", second), ("all", first + second)):
            rows = [(f"{work}/{start.name}.onnx", sum(start.input) / len(start.input))]
            rows += [(f"{work}/{folder}/{start.mutants[i]['model']}", sum(start.values[i]) / len(start.values[i]))
                     for i in members]
            runs = [{"training_images": start.training["networks"][0]["runs"][0]["training_images"]}]
            networks = [{"model": os.path.abspath(path), "runs": runs,
                         "summary": [{"split": "test", "metric": "top1", "mean": top}]}
                        for path, top in rows]
            os.makedirs(f"{work}/refine/{start.name}-{part}", exist_ok=True)
            with open(f"{work}/refine/{start.name}-{part}/training.json", "w", encoding="utf-8") as file:
                json.dump({"format": "autogo.training", "version": 1, "recipe": start.training["recipe"],
                           "networks": networks}, file)


def predicted(work, start, predictor):
    rows = read(f"{work}/refine/{start.name}-{predictor}/mutants.json")["mutants"]
    gains = {os.path.basename(m["model"]): m["predicted_gain"] for m in rows}
    return [gains[os.path.basename(m["model"])] for m in start.mutants]


def cell(scores, gains, rng):
    low, high = interval(scores, gains, rng)
    return f"{spearman(scores, gains):.2f} [{low:.2f}, {high:.2f}]"


def table(work):
    rng = random.Random(1)
    print("""# What --refine learns (E4)

Written by `tools/experiments/refinement.sh` from the trainings of E2 (ranking.md), apart from the remarks.

Spearman between predicted and trained gains, in brackets the 90 % interval over mutants. Fresh mutants are those that the
refinement has not seen: it was made from every other one, and from the others.

| start | mutants | as shipped | refined by the other half | refined by the other start |
| --- | --- | --- | --- | --- |""")
    for start in starts(work):
        before = predicted(work, start, "before")
        other = predicted(work, start, next(s for s in STARTS if s != start.name) + "-all")
        first, second = halves(start)
        by_half = [predicted(work, start, f"{start.name}-{part}") for part in (1, 0)]
        for members, refined, name in ((first, by_half[0], "first half"), (second, by_half[1], "second half")):
            pick = lambda values: [values[i] for i in members]
            gains = pick(start.gains)
            print(f"| {start.name} | {len(members)}, {name} | {cell(pick(before), gains, rng)} "
                  f"| {cell(pick(refined), gains, rng)} | {cell(pick(other), gains, rng)} |")


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(sys.argv[2])
    else:
        table(sys.argv[2])
