"""A transformer encoder in plain PyTorch, with adapters between its hidden states as graft inserts them.

Written by hand so that nothing but the model's own arithmetic is timed: fused projections' biases, scaled_dot_product_attention,
no hooks, no dropout. Weights carry the names that `save_pretrained` gives them.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Adapter(nn.Module):
    """a * up(gelu(down(norm(x)))): what graft trains on an edge."""

    def __init__(self, d: int, rank: int):
        super().__init__()
        self.norm = nn.LayerNorm(d, eps=1e-5)
        self.down = nn.Linear(d, rank)
        self.up = nn.Linear(rank, d)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * self.up(F.gelu(self.down(self.norm(x))))


class Block(nn.Module):
    def __init__(self, d: int, mlp: int, heads: int, eps: float, pre_norm: bool):
        super().__init__()
        self.heads, self.pre_norm = heads, pre_norm
        self.query, self.key, self.value, self.output = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, mlp), nn.Linear(mlp, d)
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=eps), nn.LayerNorm(d, eps=eps)
        self.adapters = nn.ModuleDict()  # "0" beside attention, "1" beside the MLP

    def attention(self, x, mask):
        batch, tokens, d = x.shape
        q, k, v = (
            part(x).view(batch, tokens, self.heads, d // self.heads).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.output(mixed.transpose(1, 2).reshape(batch, tokens, d))

    def mlp(self, x):
        return self.down(F.gelu(self.up(x)))

    def forward(self, x, mask):
        x = self.step(x, lambda y: self.attention(y, mask), self.norm1, "0")
        return self.step(x, self.mlp, self.norm2, "1")

    def step(self, x, inner, norm, slot):
        y = x + inner(norm(x)) if self.pre_norm else norm(x + inner(x))
        return y + self.adapters[slot](x) if slot in self.adapters else y


class Encoder(nn.Module):
    """ViT (pre-norm, class token) or BERT (post-norm), with a linear head on pooled features."""

    def __init__(self, config: dict, classes: int):
        super().__init__()
        d = config["hidden_size"]
        eps = config["layer_norm_eps"]
        self.image = config["model_type"] == "vit"
        if self.image:
            side = config["image_size"] // config["patch_size"]
            self.patch = nn.Conv2d(3, d, config["patch_size"], config["patch_size"])
            self.cls = nn.Parameter(torch.empty(1, 1, d))
            self.positions = nn.Parameter(torch.empty(1, 1 + side * side, d))
        else:
            self.words = nn.Embedding(config["vocab_size"], d)
            self.position = nn.Embedding(config["max_position_embeddings"], d)
            self.types = nn.Embedding(config["type_vocab_size"], d)
        self.norm = nn.LayerNorm(d, eps=eps)
        self.blocks = nn.ModuleList(
            Block(d, config["intermediate_size"], config["num_attention_heads"], eps, self.image)
            for _ in range(config["num_hidden_layers"])
        )
        self.head = nn.Linear(2 * d if self.image else d, classes)

    def embed(self, batch):
        if self.image:
            x = self.patch(batch["pixel_values"]).flatten(2).transpose(1, 2)
            return torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.positions
        ids = batch["input_ids"]
        return self.norm(
            self.words(ids) + self.position.weight[: ids.shape[1]] + self.types(batch["token_type_ids"])
        )

    def forward(self, batch):
        x = self.embed(batch)
        ones = None if self.image else batch["attention_mask"]
        mask = None if self.image else ones.bool()[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        if self.image:
            x = self.norm(x)
            return self.head(torch.cat([x[:, 0], x[:, 1:].mean(1)], -1))
        counted = ones.to(x.dtype)[:, :, None]
        return self.head((x * counted).sum(1) / counted.sum(1))


NAMES = {
    "vit": {
        "embeddings.patch_embeddings.projection": "patch",
        "embeddings.cls_token": "cls",
        "embeddings.position_embeddings": "positions",
        "layernorm": "norm",
        "attention.attention.query": "query",
        "attention.attention.key": "key",
        "attention.attention.value": "value",
        "attention.output.dense": "output",
        "intermediate.dense": "up",
        "output.dense": "down",
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
    },
    "bert": {
        "embeddings.word_embeddings": "words",
        "embeddings.position_embeddings": "position",
        "embeddings.token_type_embeddings": "types",
        "embeddings.LayerNorm": "norm",
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "output",
        "attention.output.LayerNorm": "norm1",
        "intermediate.dense": "up",
        "output.dense": "down",
        "output.LayerNorm": "norm2",
    },
}


def load_encoder(folder: str, classes: int) -> Encoder:
    """The model of a folder that `save_pretrained` could have written."""
    config = json.loads((Path(folder) / "config.json").read_text())
    with torch.device("meta"):
        model = Encoder(config, classes)
    names = NAMES[config["model_type"]]
    state = {}
    for key, tensor in load_file(Path(folder) / "model.safetensors").items():
        if key.startswith("encoder.layer."):
            _, _, number, rest = key.split(".", 3)
            stem, _, leaf = rest.rpartition(".")
            state[f"blocks.{number}.{names[stem]}.{leaf}"] = tensor
        elif key in names:
            state[names[key]] = tensor
        else:
            stem, _, leaf = key.rpartition(".")
            state[f"{names[stem]}.{leaf}"] = tensor
    missing, unexpected = model.load_state_dict(state, strict=False, assign=True)
    if unexpected or set(missing) != {"head.weight", "head.bias"}:
        raise ValueError(f"missing {missing}, unexpected {unexpected}")
    model.head = nn.Linear(model.head.in_features, classes)
    return model
