"""node_models.py FOLDER [fixed]: writes ONNX's own test cases, one a node, with the data they ship.

Debian's python3-onnx has them as code, not as files. FOLDER/NAME.onnx is the model and NAME.onnx.in
a record as ort_check.mjs writes it: a line of JSON, then the bytes of the inputs and of the expected
outputs. Cases whose data are sequences or absent get no record. With "fixed" only cases of several
inputs are written, and all inputs but the first are constants. Exit code 77 without python3-onnx.
"""

import json
import pathlib
import sys

import numpy as np

for name, kind in {"bool": bool, "float": float, "int": int, "object": object}.items():
    if name not in np.__dict__:  # aliases that the cases use and NumPy 1.24 has no longer
        setattr(np, name, kind)

try:
    import onnx
    from onnx.backend.test.case.node import collect_testcases
except ImportError:
    print("python3-onnx is not installed")
    sys.exit(77)

BFLOAT16 = onnx.TensorProto.BFLOAT16


def tensor(name, data, declared):
    """The entry of a record and the bytes; None for other kinds of values."""
    if isinstance(data, onnx.TensorProto):
        if data.data_type == BFLOAT16:
            return None
        data = onnx.numpy_helper.to_array(data)
    if not isinstance(data, (np.ndarray, np.generic)) or declared == BFLOAT16:
        return None
    data = np.asarray(data)
    text = data.dtype.kind in "OSU"
    values = json.dumps([str(v) for v in data.flatten()]).encode() if text else data.tobytes()
    kind = "string" if text else str(data.dtype)
    return {"name": name, "type": kind, "dims": list(data.shape), "bytes": len(values)}, values


def free_inputs(graph):
    fixed = {initializer.name for initializer in graph.initializer}
    return [v for v in graph.input if v.name not in fixed]


def fix(case):
    """Makes constants of all inputs but the first; says whether there was one."""
    graph, values = case.model.graph, case.data_sets[0][0]
    inputs = free_inputs(graph)
    if len(inputs) < 2 or not all(isinstance(v, (np.ndarray, np.generic)) for v in values):
        return False
    for info, value in zip(inputs[1:], values[1:]):
        tensor = onnx.numpy_helper.from_array(np.asarray(value), info.name)
        if tensor.data_type != info.type.tensor_type.elem_type:
            return False  # bfloat16, which NumPy has not
        graph.initializer.append(tensor)
        graph.input.remove(info)
    case.data_sets[0] = (values[:1], case.data_sets[0][1])
    return True


def record(case):
    head, data = {}, []
    values, expected = case.data_sets[0]
    for key, infos, given in [("inputs", free_inputs(case.model.graph), values),
                              ("outputs", case.model.graph.output, expected)]:
        if len(infos) != len(given):
            return None
        entries = [tensor(info.name, value, info.type.tensor_type.elem_type)
                   for info, value in zip(infos, given)]
        if None in entries:
            return None
        head[key] = [entry for entry, _ in entries]
        data += [values for _, values in entries]
    return json.dumps(head).encode() + b"\n" + b"".join(data)


folder = pathlib.Path(sys.argv[1])
for case in collect_testcases(None):
    if "fixed" in sys.argv[2:] and not fix(case):
        continue
    path = folder / f"{case.name.removeprefix('test_')}.onnx"
    path.write_bytes(case.model.SerializeToString())
    written = record(case)
    if written:
        path.with_suffix(".onnx.in").write_bytes(written)
