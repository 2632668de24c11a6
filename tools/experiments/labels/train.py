#!/usr/bin/env python3
"""train.py: trains the networks of this folder and writes a label a line; needs PyTorch only.

    python3 train.py --minutes 8            on a GPU, with what the folder has
    python3 train.py --costs                what each network would take here, nothing trained
    python3 train.py --images 2000 --only ID ID --device cpu

Networks are taken by priority (networks.json). A finished training is one line of --out at once, so
the file is whole whenever the program is stopped, and the next call goes on from it. No training is
begun that would not end within --minutes. Images are decoded by torchvision, or by Pillow where
PyTorch came without it.

Everything of a training runs on the device: the images stay there as bytes, batches are gathered,
shifted and mirrored there, the parameters lie in one flat tensor whose update is a few kernels, and
with CUDA a whole step is one graph that is replayed. Several processes share a GPU, because networks
of 32 x 32 pixels leave most of one idle. Works with PyTorch 1.13 and 2.x.
"""
import argparse
import contextlib
import csv
import gzip
import importlib.util
import io
import json
import math
import os
import pathlib
import queue
import sys
import time

import torch
import torch.multiprocessing as processes
import torch.nn as nn
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
PAD = 4  # pixels that a CIFAR-10 image may be shifted by


# ---------------------------------------------------------------- images


def decoder():
    """A function from the bytes of a JPEG or PNG to a uint8 tensor, 3 x H x W."""
    try:
        from torchvision.io import ImageReadMode, decode_image

        return lambda data: decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB)
    except (ImportError, OSError, RuntimeError):
        from PIL import Image

        def decode(data):
            image = Image.open(io.BytesIO(data)).convert("RGB")
            flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
            return flat.reshape(image.height, image.width, 3).permute(2, 0, 1).contiguous()

        return decode


def read_cifar(stem, decode):
    """Images N x 3 x 32 x 32 as bytes, and their labels."""
    blob = gzip.open(HERE / "data" / f"{stem}.bin.gz").read()
    images, labels = [], []
    with gzip.open(HERE / "data" / f"{stem}_index.csv.gz", "rt") as index:
        for row in csv.DictReader(index):
            start = int(row["offset"])
            images.append(decode(blob[start:start + int(row["length"])]))
            labels.append(int(row["label"]))
    return torch.stack(images), torch.tensor(labels)


def read_folder(name, decode):
    return [decode(path.read_bytes()) for path in sorted((HERE / "data" / name).iterdir())]


def read_images(tasks):
    """What the tasks need, in memory that processes share."""
    decode, images = decoder(), {}
    if "classification" in tasks:
        images["train"] = read_cifar("cifar10_train_jpeg", decode)
        images["test"] = read_cifar("cifar10_test_jpeg", decode)
    if "super-resolution" in tasks:
        images["T91"], images["Set5"] = read_folder("T91", decode), read_folder("Set5", decode)
    for value in images.values():
        for tensor in value:
            tensor.share_memory_()
    return images


# ---------------------------------------------------------------- networks


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, tensors = file.tell(), {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            data = file.read(end - begin)
            dtype = {"F32": torch.float32, "I64": torch.int64, "BOOL": torch.bool}[entry["dtype"]]
            flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def load_module(path):
    spec = importlib.util.spec_from_file_location("network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_network(entry):
    """The network with fresh weights from PyTorch's generator, and its constants."""
    path = HERE / entry["file"]
    network = load_module(path).Network()
    constants = path.with_suffix(".safetensors")
    if constants.exists():
        network.load_state_dict(read_safetensors(constants), strict=False)
    if entry["task"] == "classification":  # restoration keeps PyTorch's own, as EDSR was trained
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                # PyTorch counts the outputs of one group's inputs; He's fan-out is per group.
                layer.weight.data.mul_(math.sqrt(layer.groups))
            elif isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.in_features))
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


# ---------------------------------------------------------------- updates


class Updates:
    """RMSprop with momentum, SGD or Adam on one flat tensor that all parameters are views of.

    The learning rate and Adam's corrections are read from tensors at the number of the step, so that
    the whole update can be part of a CUDA graph.
    """

    def __init__(self, network, recipe, steps, device):
        parameters = [p for p in network.parameters() if p.requires_grad]
        sizes = [p.numel() for p in parameters]
        self.flat = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradients = torch.zeros_like(self.flat)
        views = zip(parameters, self.flat.split(sizes), self.gradients.split(sizes))
        for parameter, values, gradient in views:
            parameter.data = values.view_as(parameter)
            parameter.grad = gradient.view_as(parameter)
        self.recipe, self.step_number = recipe, torch.zeros(1, dtype=torch.int64, device=device)
        self.first, self.second = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        # A few more than the steps: those that warm a graph up count as well.
        self.rates = torch.tensor([self.rate(i, steps) for i in range(steps + 4)], device=device)
        if recipe["optimizer"] == "adam":
            fixes = [math.sqrt(1 - 0.999 ** (i + 1)) / (1 - 0.9 ** (i + 1)) for i in range(steps + 4)]
            self.rates *= torch.tensor(fixes, device=device)

    def rate(self, step, steps):
        warm = self.recipe["warmup"] * steps
        if step < warm:
            return self.recipe["learning_rate"] * (step + 1) / (warm + 1)
        return 0.5 * self.recipe["learning_rate"] * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    @torch.no_grad()
    def apply(self):
        rate, recipe, g = self.rates.index_select(0, self.step_number), self.recipe, self.gradients
        if recipe["clip"]:
            g.mul_((recipe["clip"] / (g.norm() + 1e-12)).clamp(max=1))
        if recipe["optimizer"] == "sgd":
            g.add_(self.flat, alpha=recipe["decay"])
            self.first.mul_(recipe["momentum"]).add_(g)
            self.flat.sub_(rate * self.first)
        elif recipe["optimizer"] == "rmsprop":
            self.second.mul_(0.9).addcmul_(g, g, value=0.1)
            self.first.mul_(recipe["momentum"]).addcdiv_(g, self.second.sqrt().add_(recipe["epsilon"]))
            self.flat.sub_(rate * self.first)
        else:
            self.first.mul_(0.9).add_(g, alpha=0.1)
            self.second.mul_(0.999).addcmul_(g, g, value=0.001)
            self.flat.sub_(rate * self.first / self.second.sqrt().add_(1e-8))
        self.step_number.add_(1)
        g.zero_()


# ---------------------------------------------------------------- tasks


class Classification:
    """CIFAR-10: shifts by up to 4 pixels and mirror images, cross entropy; top-1 in percent."""

    metric = "top1"

    def __init__(self, entry, images, device):
        pixels, self.labels = (t.to(device) for t in images["train"])
        self.test_pixels, self.test_labels = (t.to(device) for t in images["test"])
        some = pixels[:10000].float() / 255
        self.mean = some.mean((0, 2, 3)).view(3, 1, 1)
        self.deviation = some.std((0, 2, 3)).view(3, 1, 1)
        # What lies outside of an image is grey, 0 after normalising.
        grey = (255 * self.mean).round().to(torch.uint8)
        side = pixels.shape[-1] + 2 * PAD
        self.padded = grey.expand(len(pixels), 3, side, side).clone()
        self.padded[:, :, PAD:-PAD, PAD:-PAD] = pixels
        self.device, self.count = device, len(pixels)

    def normalised(self, pixels):
        return (pixels.float() / 255 - self.mean) / self.deviation

    def new_epoch(self, generator):
        """Order, shifts and mirrors of one pass: N x 4."""
        order = torch.randperm(self.count, generator=generator, device=self.device)
        shifts = torch.randint(2 * PAD + 1, (self.count, 2), generator=generator, device=self.device)
        mirrors = torch.randint(2, (self.count, 1), generator=generator, device=self.device)
        return torch.cat([order.unsqueeze(1), shifts, mirrors], 1)

    def batch(self, plan):
        index, top, left, mirror = plan.unbind(1)
        axis = torch.arange(32, device=self.device)
        rows = top.unsqueeze(1) + axis
        columns = left.unsqueeze(1) + torch.where(mirror.unsqueeze(1) == 1, 31 - axis, axis)
        channels = torch.arange(3, device=self.device).view(1, 3, 1, 1)
        pixels = self.padded[index.view(-1, 1, 1, 1), channels, rows.view(-1, 1, 32, 1), columns.view(-1, 1, 1, 32)]
        return self.normalised(pixels), self.labels[index]

    def loss(self, output, labels):
        return F.cross_entropy(output.float().flatten(1), labels)

    def test(self, network, cast):
        right = 0
        for pixels, labels in zip(self.test_pixels.split(1000), self.test_labels.split(1000)):
            with cast():
                output = network(self.normalised(pixels))
            right += (output.flatten(1).argmax(1) == labels).sum().item()
        return 100 * right / len(self.test_labels)


class SuperResolution:
    """T91's patches, mean absolute difference; PSNR of Set5's luminance in dB, borders cut off."""

    metric = "psnr_db"

    def __init__(self, entry, images, device):
        self.scale, self.channels, self.device = entry["scale"], entry["channels"], device
        self.small = entry["patch"] // self.scale
        train = [self.prepare(image) for image in images["T91"] if min(image.shape[1:]) >= entry["patch"]]
        self.tests = [self.prepare(image) for image in images["Set5"]]
        # All images behind each other, so that a batch is one gather: first pixel, width, sizes.
        self.low, self.high = (torch.cat([pair[k].flatten(1) for pair in train], 1) for k in (1, 0))
        sizes = torch.tensor([low.shape[1:] for _, low in train], device=device)
        areas = sizes.prod(1)
        self.table = torch.cat([(areas.cumsum(0) - areas).unsqueeze(1), sizes], 1)
        self.count = 16 * len(train)  # an epoch is 16 patches an image: T91 is small

    def luminance(self, image):
        weights = torch.tensor([65.481, 128.553, 24.966], device=self.device).view(3, 1, 1)
        return ((image * weights).sum(0, keepdim=True) + 16) / 255

    def prepare(self, image):
        """High and low resolution in [0, 1], sides multiples of the scale."""
        height, width = (side // self.scale * self.scale for side in image.shape[1:])
        high = image[:, :height, :width].to(self.device).float() / 255
        if self.channels == 1:
            high = self.luminance(high)
        low = F.interpolate(high.unsqueeze(0), size=(height // self.scale, width // self.scale), mode="bicubic",
                            antialias=True, align_corners=False)[0]
        return high, (255 * low).round().clamp(0, 255) / 255

    def new_epoch(self, generator):
        """First pixel of the image, its width, top and left of the patch, and three mirrors: N x 7."""
        draw = lambda *shape: torch.rand(self.count, *shape, generator=generator, device=self.device)
        image = self.table[(draw() * len(self.table)).long()]
        corner = (draw(2) * (image[:, 1:] - self.small + 1)).long()
        return torch.cat([image[:, :1], image[:, 2:], corner, (draw(3) * 2).long()], 1)

    def batch(self, plan):
        return self.patches(self.low, plan, 1), self.patches(self.high, plan, self.scale)

    def patches(self, pixels, plan, scale):
        first, width, top, left, down, right, turned = (c.view(-1, 1, 1) for c in plan.unbind(1))
        side = scale * self.small
        axis = torch.arange(side, device=self.device)
        y, x = axis.view(1, -1, 1), axis.view(1, 1, -1)
        y, x = torch.where(turned == 1, x, y), torch.where(turned == 1, y, x)
        y, x = torch.where(down == 1, side - 1 - y, y), torch.where(right == 1, side - 1 - x, x)
        index = scale * scale * first + (scale * top + y) * scale * width + scale * left + x
        return pixels[:, index].transpose(0, 1)

    def loss(self, output, high):
        return F.l1_loss(output.float(), high)

    def test(self, network, cast):
        values = []
        for high, low in self.tests:
            output = network(low.unsqueeze(0))[0].float().clamp(0, 1)
            pair = [output, high] if self.channels == 1 else [self.luminance(output), self.luminance(high)]
            cut = self.scale
            found, true = ((255 * t[:, cut:-cut, cut:-cut]).round() for t in pair)
            values.append(20 * math.log10(255) - 10 * math.log10(max(1e-9, ((found - true) ** 2).mean().item())))
        return sum(values) / len(values)


TASKS = {"classification": Classification, "super-resolution": SuperResolution}


# ---------------------------------------------------------------- training


class Training:
    """One network, one seed."""

    def __init__(self, entry, seed, task, images, device, graphs):
        torch.manual_seed(seed)
        self.task, self.recipe, self.device = task, dict(entry["recipe"]), device
        self.generator = torch.Generator(device).manual_seed(seed)
        self.batch_size = min(self.recipe["batch"], task.count)
        self.network = make_network(entry).to(device)
        self.network.train()
        self.steps = max(1, images // self.batch_size)
        self.updates = Updates(self.network, self.recipe, self.steps, device)
        self.loss = torch.zeros((), device=device)
        self.graphs = graphs and device.type == "cuda"
        self.graph, self.plan = None, None

    def cast(self):
        if self.device.type != "cuda" or not torch.cuda.is_bf16_supported():
            return contextlib.nullcontext()
        return torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False)

    def one_step(self):
        inputs, wanted = self.task.batch(self.plan)
        if self.device.type == "cuda":
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        with self.cast():
            output = self.network(inputs)
        loss = self.task.loss(output, wanted)
        loss.backward()
        self.updates.apply()
        self.loss.mul_(0.98).add_(loss.detach(), alpha=0.02)

    def capture(self):
        """A graph of the step. The steps that warm it up are undone."""
        state = {k: v.clone() for k, v in self.network.state_dict().items()}
        updates = self.updates
        kept = [t.clone() for t in (updates.flat, updates.first, updates.second, updates.step_number)]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.one_step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.one_step()
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(state[name])
            for tensor, value in zip((updates.flat, updates.first, updates.second, updates.step_number), kept):
                tensor.copy_(value)
            updates.gradients.zero_()
            self.loss.zero_()
        self.graph = graph

    def epochs(self):
        """Batches' plans, epoch after epoch; the last batch of an epoch is left out where it is short."""
        while True:
            plan = self.task.new_epoch(self.generator)
            for start in range(0, self.task.count - self.batch_size + 1, self.batch_size):
                yield plan[start:start + self.batch_size]

    def run(self, until):
        """The metric; None when time is up, NaN when the training diverged."""
        for step, plan in zip(range(self.steps), self.epochs()):
            if self.plan is None:
                self.plan = plan.clone()
                if self.graphs:
                    self.capture()
            self.plan.copy_(plan)
            if self.graph is None:
                self.one_step()
            else:
                self.graph.replay()
            if step % 50 == 49:
                if not math.isfinite(self.loss.item()):
                    return math.nan
                if time.time() > until:
                    return None
        self.network.eval()
        with torch.no_grad():
            return self.task.test(self.network, self.cast)


def work(index, device, images, options, jobs, answers):
    """A process: trains what comes through `jobs` until None does."""
    device = torch.device(device)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    else:
        torch.set_num_threads(options["threads"])
    tasks = {}
    for entry, seed, until in iter(jobs.get, None):
        started, line = time.time(), {}
        try:
            key = json.dumps([entry["task"]] + [entry.get(k) for k in ("scale", "channels", "patch")])
            if key not in tasks:
                tasks = {key: TASKS[entry["task"]](entry, images, device)}  # one at a time: memory
            training = Training(entry, seed, tasks[key], options["images"], device, options["graphs"])
            value = training.run(until)
            if value is not None:
                line = {"id": entry["id"], "seed": seed, "metric": tasks[key].metric,
                        "value": value if math.isfinite(value) else None,
                        "loss": training.loss.item() if math.isfinite(value) else None,
                        "images": training.steps * training.batch_size,
                        "seconds": round(time.time() - started, 2), "torch": torch.__version__,
                        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu"}
        except Exception as error:  # one network that cannot be trained costs itself only
            line = {"id": entry["id"], "seed": seed, "failed": f"{type(error).__name__}: {error}"[:300]}
        training = None
        answers.put((index, entry, seed, time.time() - started, line))


# ---------------------------------------------------------------- the list


def expected_seconds(entry, seen):
    """Of a training, from those that ended here, (task, MACs, seconds): a fifth more than the one whose
    work is nearest took; 0 where none of the task has ended."""
    near = [(abs(math.log((macs + 1) / (entry["macs"] + 1))), seconds)
            for task, macs, seconds in seen if task == entry["task"]]
    return 1.2 * min(near, default=(0, 0))[1]


def wanted(networks, lines, only):
    """(entry, seed) in the order of the list, without those that have a line."""
    done = {(line["id"], line["seed"]) for line in lines}
    ordered = sorted(networks, key=lambda n: n["priority"])
    return [(n, seed) for n in ordered for seed in n["seeds"]
            if (n["id"], seed) not in done and (not only or n["id"] in only)]


def read_lines(path):
    """Lines of an earlier call; one that was cut off by its end is left out and removed."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[:data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        path.write_bytes(whole)
    return [json.loads(line) for line in whole.splitlines()]


def run_all(todo, images, device, options, until, out):
    context = processes.get_context("spawn")
    answers = context.Queue()
    count = min(options["workers"], len(todo))
    inboxes = [context.Queue() for _ in range(count)]
    workers = [context.Process(target=work, args=(i, device, images, options, inboxes[i], answers), daemon=True)
               for i in range(count)]
    for worker in workers:
        worker.start()
    seen, busy, written = [], {}, 0

    def hand_out(index):
        for k, (entry, seed) in enumerate(todo):
            if time.time() + expected_seconds(entry, seen) < until:
                busy[index] = todo.pop(k)
                inboxes[index].put((entry, seed, until))
                return
        inboxes[index].put(None)

    for index in range(count):
        hand_out(index)
    with open(out, "a", encoding="utf-8") as file:
        while busy:
            try:
                index, entry, seed, seconds, line = answers.get(timeout=5)
            except queue.Empty:
                for index in [i for i in busy if not workers[i].is_alive()]:
                    entry, seed = busy.pop(index)
                    print(f"{entry['id']}, seed {seed}: its process ended with {workers[index].exitcode}", file=sys.stderr)
                if time.time() > until + 60:  # a training looks at the clock every 50 steps
                    break
                continue
            busy.pop(index, None)
            if line:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
                written += 1
                if "failed" not in line:
                    seen.append((entry["task"], entry["macs"], seconds))
                print(f"{written}: {entry['id']} seed {seed}: {line.get('failed') or line['value']}, {seconds:.1f} s, "
                      f"{max(0, until - time.time()):.0f} s left", flush=True)
            hand_out(index)
    for worker in workers:
        worker.join(timeout=5)
        if worker.is_alive():
            worker.terminate()
    return written


def print_costs(todo, images, device, options):
    """Times a few steps of each network."""
    tasks, total = {}, 0.0
    for entry in {n["id"]: n for n, _ in todo}.values():
        task = tasks.setdefault((entry["task"], entry.get("channels")), TASKS[entry["task"]](entry, images, device))
        training = Training(entry, 1, task, 12 * entry["recipe"]["batch"], device, options["graphs"])
        times = []
        for plan, _ in zip(training.epochs(), range(12)):
            started = time.time()
            training.plan = plan.clone()
            training.one_step()
            training.loss.item()
            times.append(time.time() - started)
        step = sorted(times[2:])[5]
        seconds = step * max(1, options["images"] // training.batch_size)
        seeds = sum(1 for n, _ in todo if n["id"] == entry["id"])
        total += seconds * seeds
        print(f"{entry['id']}: {1000 * step:.2f} ms a step of {training.batch_size}, {seconds:.1f} s a training, {seeds} left")
    print(f"{len(todo)} trainings, {total / 60:.1f} minutes one after the other, without CUDA graphs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8, help="begin nothing that ends later (default 8)")
    parser.add_argument("--images", type=int, default=2000000, help="images that a training sees (default 2 million)")
    parser.add_argument("--test-images", type=int, default=0, help="CIFAR-10 images to test on (default: all)")
    parser.add_argument("--workers", type=int, default=0, help="trainings side by side (default: 6 on a GPU, one a core)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", nargs="+", metavar="ID", help="these networks")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "labels.jsonl")
    parser.add_argument("--costs", action="store_true", help="print what each network takes, train nothing")
    parser.add_argument("--no-graphs", action="store_true", help="no CUDA graphs")
    arguments = parser.parse_args()
    until = time.time() + 60 * arguments.minutes
    with open(HERE / "networks.json", encoding="utf-8") as file:
        networks = json.load(file)["networks"]
    unknown = set(arguments.only or []) - {n["id"] for n in networks}
    if unknown:
        parser.error(f"--only: networks.json has no {', '.join(sorted(unknown))}")
    todo = wanted(networks, read_lines(arguments.out), arguments.only)
    if not todo:
        print("all networks have their labels")
        return
    cores = os.cpu_count() or 1
    workers = arguments.workers or (6 if arguments.device.startswith("cuda") else cores)
    options = {"images": arguments.images, "graphs": not arguments.no_graphs, "workers": workers,
               "threads": max(1, cores // workers)}
    images = read_images({n["task"] for n, _ in todo})
    if arguments.test_images and "test" in images:
        images["test"] = tuple(t[:arguments.test_images] for t in images["test"])
    if arguments.costs:
        print_costs(todo, images, torch.device(arguments.device), options)
        return
    left = len(todo)
    written = run_all(todo, images, arguments.device, options, until, arguments.out)
    print(f"{written} of {left} trainings done, in {arguments.out}")


if __name__ == "__main__":
    main()
