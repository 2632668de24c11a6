"""compare.py < LIST: runs exported PyTorch files on what ONNX Runtime recorded.

A line of the list: FILE.py RECORD BATCH. RECORD is a file of `ort_check.mjs record`: a line of
JSON, then the bytes of the tensors. With a BATCH of N the inputs are repeated N times, and every
copy must give the same answer. Prints a line each, "ok FILE DIFFERENCE" or "FAIL FILE REASON", the
difference being the largest one over the largest magnitude; above 1e-4 it fails (more where the
network computed in half precision). Shapes and types must be equal, every floating-point type being
float32. Exit code 1 when any failed, 77 without torch.
"""

import importlib.util
import json
import sys

try:
    import torch
except ImportError:
    print("python3-torch is not installed")
    sys.exit(77)

TYPES = {"float32": torch.float32, "float64": torch.float64, "float16": torch.float16,
         "int64": torch.int64, "int32": torch.int32, "int16": torch.int16, "int8": torch.int8,
         "uint8": torch.uint8, "bool": torch.bool}
SLACK = {torch.float16: 100}  # of ONNX Runtime's results in half precision


def read_record(path):
    with open(path, "rb") as file:
        head = json.loads(file.readline())

        def read(entry):
            data = bytearray(file.read(entry["bytes"]))
            kind = TYPES[entry["type"]]
            flat = torch.frombuffer(data, dtype=kind) if data else torch.empty(0, dtype=kind)
            return flat.reshape(entry["dims"])

        inputs = [read(entry) for entry in head["inputs"]]
        return inputs, [read(entry) for entry in head["outputs"]]


def difference(got, expected):
    if got.shape != expected.shape:
        raise ValueError(f"shape {tuple(got.shape)}, expected {tuple(expected.shape)}")
    kind = torch.float32 if expected.dtype.is_floating_point else expected.dtype
    if got.dtype != kind:
        raise ValueError(f"type {got.dtype}, expected {kind}")
    if not expected.dtype.is_floating_point or expected.numel() == 0:
        return 0.0 if torch.equal(got.to(expected.dtype), expected) else float("inf")
    slack = SLACK.get(expected.dtype, 1)
    got, expected = got.double(), expected.double()
    if not torch.equal(got.isnan(), expected.isnan()):
        return float("inf")
    same = got == expected  # infinities too
    delta = torch.where(same, torch.zeros_like(got), got - expected)
    scale = torch.nan_to_num(expected, nan=0.0, posinf=0.0, neginf=0.0).abs().max().item()
    return torch.nan_to_num(delta, nan=0.0).abs().max().item() / max(scale, 1e-30) / slack


def check(path, record, batch):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    inputs, outputs = read_record(record)
    inputs = [v.float() if v.dtype.is_floating_point else v for v in inputs]
    inputs = [torch.cat([v] * batch) if batch > 1 else v for v in inputs]
    results = network(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    pairs = zip(results, outputs, strict=True)
    return max(difference(got, torch.cat([want] * batch) if batch > 1 else want) for got, want in pairs)


def main(check):
    """Judges the lines of standard input. check(path, record, batch) says the largest difference."""
    torch.set_num_threads(1)
    failed = False
    for line in sys.stdin:
        path, record, batch = line.split()
        try:
            with torch.no_grad():
                worst = check(path, record, int(batch))
            ok = worst <= 1e-4
            print("ok" if ok else "FAIL", path, f"{worst:.1e}", flush=True)
        except Exception as e:  # what a user would see
            ok = False
            print("FAIL", path, type(e).__name__, str(e).split("\n")[0], flush=True)
        failed = failed or not ok
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(check)
