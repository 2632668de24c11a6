"""compare_keras.py < LIST: as compare.py, for exported Keras files.

Uses Keras where it is installed, else the stub beside this file (keras_stub), and says which in a
line that begins with "# ". Maps of the record are N,C,H,W; the exported network's are N,H,W,C.
"""

import importlib.util
import pathlib
import sys

sys.argv = sys.argv[:1]
here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here))
from compare import difference, main, read_record, torch  # noqa: E402

try:
    import keras
    print("# with Keras", keras.__version__)
except ImportError:
    print("# with a stub of Keras: Keras is not installed")
    sys.path.insert(0, str(here / "keras_stub"))
    import keras


def check(path, record, batch):
    keras.backend.clear_session()
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    inputs, outputs = read_record(record)
    values = []
    for v in inputs:
        v = torch.cat([v.float()] * batch)
        values.append((v.permute(0, 2, 3, 1) if v.dim() == 4 else v).contiguous().numpy())
    results = network(values)
    results = results if isinstance(results, list) else [results]
    worst = 0.0
    for got, want in zip(results, outputs, strict=True):
        got = torch.from_numpy(keras.ops.convert_to_numpy(got).copy())
        want = torch.cat([want] * batch) if batch > 1 else want
        worst = max(worst, difference(got.permute(0, 3, 1, 2) if got.dim() == 4 else got, want))
    return worst


main(check)
