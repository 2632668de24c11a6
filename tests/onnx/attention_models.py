"""Writes small transformers as PyTorch exports them: attention_models.py FOLDER.

Each spells its attention as a library that people use does: torchvision (torch.nn.MultiheadAttention;
Swin's windows with shift, mask and position table), timm (one product for q, k and v), Hugging
Face's BERT (a mask that is added) and DistilBERT (one that is filled in), scaled_dot_product_attention
as newer versions of PyTorch export it, and by hand.
"""

import math
import sys

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    print(error)
    sys.exit(77)


class MultiheadBlock(nn.Module):
    """torchvision.models.vision_transformer.EncoderBlock"""

    def __init__(self, width, heads, batch_first=True):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=batch_first)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        y = self.norm(x)
        y, _ = self.attention(y, y, y, need_weights=False)
        x = x + y
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, 17, width))
        self.blocks = nn.Sequential(*[MultiheadBlock(width, heads) for _ in range(3)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x)
        x = x.reshape(x.shape[0], x.shape[1], -1).permute(0, 2, 1)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class WindowAttention(nn.Module):
    """torchvision.models.swin_transformer.shifted_window_attention"""

    def __init__(self, width, heads, window, shift, size):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        places = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij"))
        places = places.flatten(1)
        apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + window - 1
        self.register_buffer("index", apart[:, :, 0] * (2 * window - 1) + apart[:, :, 1])
        regions = torch.zeros(1, size, size, 1)
        if shift:
            count = 0
            cuts = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
            for rows in cuts:
                for columns in cuts:
                    regions[:, rows, columns] = count
                    count += 1
        across = size // window
        parts = regions.view(1, across, window, across, window, 1).permute(0, 1, 3, 2, 4, 5)
        parts = parts.reshape(-1, window * window)
        differ = parts[:, None] - parts[:, :, None]
        self.register_buffer("mask", torch.where(differ != 0, -100.0, 0.0))

    def forward(self, x):
        batch, height, width, channels = x.shape
        w, count = self.window, (height // self.window) * (width // self.window)
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = x.view(batch, height // w, w, width // w, w, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch * count, w * w, channels)
        qkv = self.qkv(x).reshape(x.size(0), x.size(1), 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = (q * (channels // self.heads) ** -0.5).matmul(k.transpose(-2, -1))
        bias = self.table[self.index.view(-1)].view(w * w, w * w, -1).permute(2, 0, 1)
        scores = scores + bias.contiguous().unsqueeze(0)
        if self.shift:
            scores = scores.view(batch, count, self.heads, w * w, w * w)
            scores = scores + self.mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, w * w, w * w)
        x = F.softmax(scores, -1).matmul(v).transpose(1, 2).reshape(batch * count, w * w, channels)
        x = self.proj(x)
        x = x.view(batch, height // w, width // w, w, w, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch, height, width, channels)
        if self.shift:
            x = torch.roll(x, (self.shift, self.shift), (1, 2))
        return x


class Swin(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 2, 2)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(5)])
        self.attentions = nn.ModuleList(
            [WindowAttention(width, heads, 4, shift, 8) for shift in (0, 2)]
        )
        self.mlps = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
                for _ in range(2)
            ]
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        for i in (0, 1):
            x = x + self.attentions[i](self.norms[2 * i](x))
            x = x + self.mlps[i](self.norms[2 * i + 1](x))
        x = self.norms[4](x).permute(0, 3, 1, 2)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class FusedAttention(nn.Module):
    """timm.models.vision_transformer.Attention"""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = ((q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((scores @ v).transpose(1, 2).reshape(batch, tokens, width))


class SplitAttention(nn.Module):
    """A layer for each of q, k and v; `how` the scores are masked tells the libraries apart."""

    def __init__(self, width, heads, how):
        super().__init__()
        self.heads, self.how = heads, how
        self.query, self.key, self.value, self.out = [nn.Linear(width, width) for _ in range(4)]

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        d = q.shape[-1]
        if self.how == "bert":
            scores = q @ k.transpose(-1, -2) / math.sqrt(d)
            scores = (scores + (1.0 - mask[:, None, None, :]) * torch.finfo(torch.float32).min).softmax(-1)
        elif self.how == "distilbert":
            scores = (q / math.sqrt(d)) @ k.transpose(2, 3)
            hidden = (mask == 0).view(mask.shape[0], 1, 1, mask.shape[1]).expand_as(scores)
            scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(dim=-1)
        elif self.how == "sdpa":
            root = math.sqrt(1 / math.sqrt(d))
            seen = torch.ones(x.shape[1], x.shape[1]).tril()
            seen = torch.zeros_like(seen).masked_fill(seen == 0, float("-inf"))
            scores = ((q * root) @ (k.transpose(-2, -1) * root) + seen).softmax(-1)
        else:
            scores = q @ k.transpose(-1, -2)
            scores = F.softmax(scores * d**-0.5 + mask[:, None, None, :], -1)
        return self.out((scores @ v).transpose(1, 2).contiguous().flatten(2))


class Language(nn.Module):
    def __init__(self, attention, width=32, masked=True, norm_first=False):
        super().__init__()
        self.attentions = nn.ModuleList([attention(width) for _ in range(2)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(4)])
        self.mlps = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
                for _ in range(2)
            ]
        )
        self.head = nn.Linear(width, 5)
        self.masked, self.norm_first = masked, norm_first

    def forward(self, x, mask=None):
        for i in (0, 1):
            y = self.norms[2 * i](x) if self.norm_first else x
            y = self.attentions[i](y, mask) if self.masked else self.attentions[i](y)
            x = x + y if self.norm_first else self.norms[2 * i](x + y)
            x = self.norms[2 * i + 1](x + self.mlps[i](x))
        return self.head(x[:, 0])


class Decoder(nn.Module):
    """Attention over other tokens, tokens first."""

    def __init__(self, width=32):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 4)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, memory):
        return self.norm(x + self.attention(x, memory, memory, need_weights=False)[0])


class Shown(nn.Module):
    """Its scores are a network output: no single operator."""

    def __init__(self, width=32):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=True)


def split(how):
    return lambda width: SplitAttention(width, 4, how)


def main(folder):
    torch.manual_seed(1)
    image = torch.randn(1, 3, 16, 16)
    words, mask = torch.randn(2, 9, 32), torch.ones(2, 9)
    mask[1, 6:] = 0
    models = {
        "vit": (Vit(), (image,)),
        "swin": (Swin(), (image,)),
        "timm": (Language(lambda w: FusedAttention(w, 4), masked=False, norm_first=True), (words,)),
        "bert": (Language(split("bert")), (words, mask)),
        "distilbert": (Language(split("distilbert")), (words, mask)),
        "sdpa": (Language(split("sdpa")), (words, mask)),
        "by_hand": (Language(split("by_hand"), norm_first=True), (words, mask)),
        "decoder": (Decoder(), (torch.randn(7, 2, 32), torch.randn(9, 2, 32))),
        "shown": (Shown(), (words,)),
    }
    for name, (model, inputs) in models.items():
        names = ["x", "mask"][: len(inputs)]
        if name == "sdpa":
            inputs = inputs[:1] + (None,)
        torch.onnx.export(
            model.eval(), inputs, f"{folder}/{name}.onnx", opset_version=14, input_names=names
        )
    for name in ("vit", "bert"):
        model, inputs = models[name]
        names = ["x", "mask"][: len(inputs)]
        torch.onnx.export(
            model.eval(),
            inputs,
            f"{folder}/{name}_any_batch.onnx",
            opset_version=17,
            input_names=names,
            dynamic_axes={n: {0: "batch"} for n in names},
        )


if __name__ == "__main__":
    main(sys.argv[1])
