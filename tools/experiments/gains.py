#!/usr/bin/env python3
"""gains.py pick WORK START: the networks of experiments E1 and E3 that are to be trained, a path a
line. gains.py table WORK START...: their tables (see gains.sh, super_resolution.sh)."""
import json
import math
import os
import statistics
import sys

VARIANTS = ["operator-gnn", "segment-gnn", "segment-psc", "segment-refined"]
TITLES_OF = {"gnn": "GNN", "psc": "PSC", "refined": "PSC, refined"}
FEWER = 0.85  # of the start's FLOPs


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def picks(work, start, variant):
    """(kind, path, member) of a front: highest gain at no more FLOPs; at clearly fewer."""
    run = f"{work}/{start}-{variant}"
    pareto = read(f"{run}/pareto.json")
    front = [m for m in pareto["members"] if m["rank"] == 1]
    chosen = []
    for kind, share in (("accuracy", 1), ("FLOPs", FEWER)):
        within = [m for m in front if m["macs"] <= share * pareto["input"]["macs"]]
        if within:
            chosen.append((kind, max(within, key=lambda m: m["predicted_gain"])))
    return [(kind, f"{run}/{m['model']}", m) for kind, m in chosen], pareto["input"]


def kinds():
    return os.environ.get("PICKS", "accuracy FLOPs").split()


def variants(work, start):
    return [v for v in VARIANTS if os.path.exists(f"{work}/{start}-{v}/pareto.json")]


def pick(work, start):
    seen = set()
    for variant in variants(work, start):
        for kind, path, _ in picks(work, start, variant)[0]:
            if kind in kinds() and os.path.basename(path) not in seen:  # two variants may find the same network
                seen.add(os.path.basename(path))
                print(path)


def trained(work, start):
    training = read(f"{work}/{start}-trained/training.json")
    scores = {}  # by file name and test split: a value a seed
    for network in training["networks"]:
        for run in network["runs"]:
            if not run["finished"]:
                continue
            for split, values in run["epochs"][-1]["tests"].items():
                value = 100 * values["top1"] if "top1" in values else values["psnr_db"]
                by_split = scores.setdefault(os.path.basename(network["model"]), {})
                by_split.setdefault(split, []).append(value)
    return scores, training


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
        return "more accurate" + (", leaner" if flops <= FEWER else "")
    if flops <= FEWER and gain >= 0:
        return "leaner"
    if flops <= FEWER and gain > -noise:
        return "leaner, within noise"
    return ""


TITLES = {
    "classification": "What found networks are worth once they are trained (E1)",
    "super-resolution": "Found super-resolution networks, trained (E3)",
}


def setting(training):
    recipe, seeds = training["recipe"], len(training["networks"][0]["runs"])
    if training["task"] == "super-resolution":
        return (f"{recipe['epochs']} epochs of {recipe['repeat']} patches an image of T91 (recipe `{recipe['name']}`, "
                f"patches of {recipe['patch']} pixels), {seeds} seeds. PSNR on Y in dB.")
    return (f"{training['max_train_images'] or 'all'} images of CIFAR-10, shrunk to {recipe['image_size']} pixels, "
            f"for {recipe['epochs']} epochs (recipe `{recipe['name']}`), {seeds} seeds. Top-1 in percent of "
            f"{training['max_test_images'] or 'all'} test images.")


def table(work, starts):
    scores, training = trained(work, starts[0])
    settings = {}  # by text: the starts that were trained so
    for start in starts:
        settings.setdefault(setting(trained(work, start)[1]), []).append(start)
    settings = "\n".join(f"- {', '.join(names)}: {text}" for text, names in settings.items())
    splits = list(scores[f"{starts[0]}.onnx"])
    script = "gains.sh" if training["task"] == "classification" else "super_resolution.sh"
    print(f"""# {TITLES[training["task"]]}

Written by `tools/experiments/{script}`, apart from the remarks.

Each search: 5 iterations, seed 1, FLOPs between -20 % and +10 %. All networks were trained from scratch:

{settings}

FLOPs are of a network at its own size. The last column says what holds beyond one standard deviation
(of the difference), judged on {splits[0]}.

| start | search | pick | FLOPs | | predicted gain | {" | ".join(splits)} | |
| --- | --- | --- | --- | --- | --- |{" --- |" * len(splits)} --- |""")
    for start in starts:
        scores, _ = trained(work, start)
        own = scores[f"{start}.onnx"]
        base = picks(work, start, variants(work, start)[0])[1]
        cells = " | ".join(mean_text(own[split]) for split in splits)
        print(f"| {start} | | | {base['flops'] / 1e6:.1f} M | | | {cells} | |")
        trained_models = {os.path.basename(n["model"]) for n in trained(work, start)[1]["networks"]}
        for variant in variants(work, start):
            unit, kind_of = variant.split("-")
            rows = {}  # by file name: the kinds of pick that it is, the member
            for kind, path, member in picks(work, start, variant)[0]:
                if os.path.basename(path) in trained_models:
                    rows.setdefault(os.path.basename(path), ([], member))[0].append(kind)
            for model, (of_kind, member) in rows.items():
                ratio = member["macs"] / base["macs"]
                found = scores.get(model, {})
                cells = " | ".join(mean_text(found.get(split, [])) for split in splits)
                print(f"| | {unit} + {TITLES_OF[kind_of]} | {', '.join(of_kind)} | {member['flops'] / 1e6:.1f} M "
                      f"| {100 * (ratio - 1):+.1f} % | {member['predicted_gain']:+.3f} | {cells} "
                      f"| {verdict(own[splits[0]], found.get(splits[0], []), ratio)} |")


if __name__ == "__main__":
    if sys.argv[1] == "pick":
        pick(sys.argv[2], sys.argv[3])
    else:
        table(sys.argv[2], sys.argv[3:])
