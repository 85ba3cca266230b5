"""The trainings of a study in PyTorch: the other side of bench/study-rate.ts.

`study.py '{"folder": ..., "trials": [...], ...}'` prints a line of JSON when it is ready, trains one trial after the other for
each line on standard input (numbers of trials), and answers with a line for each. The folder holds what bench/study-rate.ts wrote there:
the embedded model's weights and the head to start from as safetensors, the pictures as bytes.

One trial: an adapter on each of its edges (graft's definition, docs/method.md), trained with AdamW, warm-up and cosine, the gradient's
norm clipped; validation after every epoch; the epoch with the best validation is measured on further pictures. Eager mode: every
trial is another graph, and compiling one takes longer than its training.
"""

import copy
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from encoder import Adapter
from safetensors.torch import load_file
from torch import nn

EPSILON = 1e-6


class Backbone:
    """The embedded vision transformer, frozen: state 0, then one sub-layer after the other."""

    def __init__(self, weights, heads=3):
        self.w, self.heads = weights, heads
        self.d = weights["embeddings.position"].shape[1]
        self.states = 1 + 2 * sum(name.endswith("norm1.weight") for name in weights)
        self.transposed = {name: w.t().contiguous() for name, w in weights.items() if w.ndim == 2}

    def linear(self, x, name):
        return F.linear(x, self.transposed[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, x, name):
        return F.layer_norm(x, (self.d,), self.w[f"{name}.weight"], self.w[f"{name}.bias"], EPSILON)

    def embed(self, pixels):
        batch, channels, side, _ = pixels.shape
        n = side // 8
        patches = pixels.view(batch, channels, n, 8, n, 8).permute(0, 2, 4, 1, 3, 5).reshape(batch, n * n, -1)
        x = self.linear(patches, "embeddings.patch")
        return F.pad(x, (0, 0, 1, 0)) + self.w["embeddings.position"]

    def sublayer(self, x, state):
        """What makes `state` of the one before it."""
        block, is_mlp = divmod(state - 1, 2)
        at = f"blocks.{block}"
        if is_mlp:
            y = F.gelu(self.linear(self.norm(x, f"{at}.norm2"), f"{at}.mlp.up"))
            return x + self.linear(y, f"{at}.mlp.down")
        batch, tokens, d = x.shape
        qkv = self.linear(self.norm(x, f"{at}.norm1"), f"{at}.attention.qkv")
        q, k, v = qkv.view(batch, tokens, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, d)
        return x + self.linear(mixed, f"{at}.attention.output")

    def pool(self, x):
        x = self.norm(x, "norm")
        return torch.cat([x[:, 0], x[:, 1:].mean(1)], -1)


class Trial(nn.Module):
    def __init__(self, backbone, edges, head):
        super().__init__()
        self.backbone, self.edges = backbone, [(edge["from"], edge["to"]) for edge in edges]
        self.adapters = nn.ModuleList(Adapter(backbone.d, edge["rank"]) for edge in edges)
        for adapter in self.adapters:
            nn.init.normal_(adapter.down.weight, std=backbone.d**-0.5)
            for zero in (adapter.down.bias, adapter.up.weight, adapter.up.bias):
                nn.init.zeros_(zero)
        self.head = nn.Linear(*reversed(head["head.weight"].t().shape))
        self.head.weight.data = head["head.weight"].t().contiguous().clone()
        self.head.bias.data = head["head.bias"].clone()

    def forward(self, pixels):
        plain = [self.backbone.embed(pixels)]
        far = [i for i, j in self.edges if i > j]
        with torch.no_grad():
            while far and len(plain) <= max(far):
                plain.append(self.backbone.sublayer(plain[-1], len(plain)))
        first = min(j for _, j in self.edges)
        states = plain[:first] if far else plain[: min(first, 1)]
        for j in range(len(states), self.backbone.states):
            x = plain[0] if j == 0 else self.backbone.sublayer(states[-1], j)
            for adapter, (i, to) in zip(self.adapters, self.edges):
                if to == j and i != j:
                    x = x + adapter(plain[i] if i > j else states[i])
            for adapter, (i, to) in zip(self.adapters, self.edges):
                if to == j and i == j:
                    x = x + adapter(x)
            states.append(x)
        return self.head(self.backbone.pool(states[-1]))


def pictures(folder, split):
    pixels = np.fromfile(folder / f"{split}.pixels", np.uint8)
    labels = torch.from_numpy(np.fromfile(folder / f"{split}.labels", np.int32)).long()
    return torch.from_numpy(pixels).view(len(labels), 3, 32, 32), labels


def scaled(pixels):
    return (pixels.float() / 255 - 0.5) / 0.5


def measure(model, pixels, labels):
    with torch.inference_mode():
        logits = torch.cat([model(scaled(pixels[k : k + 200])) for k in range(0, len(labels), 200)])
        return (logits.argmax(-1) == labels).float().mean().item(), F.cross_entropy(logits, labels).item()


def train(backbone, head, data, trial, spec):
    torch.manual_seed(0)
    model = Trial(backbone, trial, head)
    decays = [p for p in model.parameters() if p.ndim > 1 and p is not model.head.weight]
    plain = [p for p in model.adapters.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": decays, "weight_decay": spec["decay"], "peak": spec["rate"]},
            {"params": plain, "weight_decay": 0.0, "peak": spec["rate"]},
            {"params": [model.head.weight], "weight_decay": spec["decay"], "peak": spec["headRate"]},
            {"params": [model.head.bias], "weight_decay": 0.0, "peak": spec["headRate"]},
        ],
        fused=True,
    )
    pixels, labels = data["train"]
    batch, epochs = spec["batch"], spec["epochs"]
    steps = epochs * (len(labels) // batch)
    warmup, step = math.ceil(spec["warmup"] * steps), 0
    best, kept = (-1.0, 0.0), None
    for _ in range(epochs):
        order = torch.randperm(len(labels))
        for k in range(0, len(labels) - batch + 1, batch):
            chosen = order[k : k + batch]
            share = (step + 1) / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * share
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(scaled(pixels[chosen])), labels[chosen]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
        value, loss = measure(model, *data["validation"])
        if (value, -loss) > best:
            best, kept = (value, -loss), copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return best[0], measure(model, *data["measuring"])[0]


def main(spec):
    torch.set_num_threads(spec["threads"])
    folder = Path(spec["folder"])
    backbone = Backbone(load_file(folder / "weights.safetensors"))
    head = load_file(folder / "head.safetensors")
    data = {split: pictures(folder, split) for split in ("train", "validation", "measuring")}
    say({"ready": True, "version": torch.__version__})
    for line in sys.stdin:
        for number in json.loads(line):
            begun = time.perf_counter()
            validation, measured = train(backbone, head, data, spec["trials"][number], spec)
            say({"trial": number, "seconds": time.perf_counter() - begun, "validation": validation, "measured": measured})
        say({"done": True})


def say(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
