import torch.nn.functional as F

from . import symbolic

mish = symbolic(lambda x: F.mish(x))
