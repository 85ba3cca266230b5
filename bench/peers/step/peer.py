"""One side of a row of bench/step-peers.ts: training steps of PyTorch, on demand.

`peer.py '{"folder": ..., "method": ..., ...}'` prints a line of JSON when it is ready, then answers each line on
standard input, `{"do": "steps", "count": 3}` or `{"do": "matmul", "count": 5}`, with one line.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from encoder import Adapter, load_encoder
from torch import nn

CLASSES, RANK, RATE, DECAY = 100, 8, 1e-5, 1e-3


def transposed(weight):
    """0.02 cos k over the flat index k of [in, out], as graft keeps a weight: both sides start from the same numbers."""
    out_size, in_size = weight.shape
    waves = 0.02 * torch.cos(torch.arange(out_size * in_size, dtype=torch.float64))
    return waves.float().view(in_size, out_size).t().contiguous()


def edges(method, blocks):
    """Parallel edges (j, j + 1) by j: of `early-3` the first three, of `late-3` the last, of `adapters-24` the first 24, all of 12 blocks."""
    where, _, count = method.partition("-")
    first = 2 * blocks - int(count or 0) if where == "late" else 0
    return range(first, first + int(count or 0))


def build(spec):
    """The model of a spec, what it trains having `requires_grad`."""
    if spec["engine"] == "adapters":
        return build_adapters(spec)
    model = load_encoder(spec["folder"], CLASSES)
    d = model.blocks[0].query.in_features
    method = spec["method"]
    model.requires_grad_(method == "full")
    if method == "lora":
        from peft import LoraConfig, inject_adapter_in_model

        model = inject_adapter_in_model(
            LoraConfig(r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules=["query", "value"]), model
        )
        for name, parameter in model.named_parameters():
            if "lora_A" in name:
                parameter.data = transposed(parameter)
    for j in edges(method, len(model.blocks)):
        adapter = model.blocks[j // 2].adapters[str(j % 2)] = Adapter(d, RANK)
        for linear in (adapter.down, adapter.up):
            linear.weight.data = transposed(linear.weight)
            nn.init.zeros_(linear.bias)
    model.head.requires_grad_(True)
    model.head.weight.data = transposed(model.head.weight)
    nn.init.zeros_(model.head.bias)
    return model.train()


def build_adapters(spec):
    """The library `adapters`: a bottleneck of the same rank behind every sub-layer (Houlsby), as it is meant to be used."""
    import adapters
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(spec["folder"], attn_implementation="sdpa")
    kind = {"add_pooling_layer": False}
    encoder = AutoModel.from_pretrained(spec["folder"], config=config, **kind)
    adapters.init(encoder)
    encoder.add_adapter("a", config=adapters.DoubleSeqBnConfig(reduction_factor=config.hidden_size / RANK, non_linearity="gelu"))
    encoder.train_adapter("a")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head = encoder, nn.Linear(config.hidden_size, CLASSES)

        def forward(self, batch):
            return self.head(self.encoder(**batch).last_hidden_state.mean(1))

    return Model().train()


def batch_of(spec):
    """The batch that graft's side makes: numbers by formula, texts of different lengths."""
    rows, tokens = spec["batch"], spec.get("tokens")
    labels = torch.arange(rows) % CLASSES
    if tokens is None:
        side = spec["side"]
        index = torch.arange(rows * 3 * side * side).view(rows, 3, side, side)
        return {"pixel_values": (index * 31 % 256 / 255 - 0.5) / 0.5}, labels
    index = torch.arange(rows * tokens).view(rows, tokens)
    lengths = tokens - (torch.arange(rows) * 4) % (tokens // 2)
    mask = (torch.arange(tokens)[None, :] < lengths[:, None]).long()
    return {
        "input_ids": (index * 7919) % spec["vocabulary"],
        "attention_mask": mask,
        "token_type_ids": torch.zeros_like(index),
    }, labels


def main(spec):
    torch.set_num_threads(spec["threads"])
    model = build(spec)
    inputs, labels = batch_of(spec)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)

    def loss_of(inputs, labels):
        return F.cross_entropy(model(inputs), labels)

    if spec["engine"] == "compile":
        loss_of = torch.compile(loss_of, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(inputs, labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    left, right = torch.ones(1576, 768), torch.ones(768, 3072)

    def matmul():
        torch.mm(left, right)

    matmul()

    def answer(line):
        ask = json.loads(line)
        work = {"steps": step, "matmul": matmul}[ask["do"]]
        begun, cpu = time.perf_counter(), time.process_time()
        results = [work() for _ in range(ask["count"])]
        return {
            "seconds": (time.perf_counter() - begun) / ask["count"],
            "cpuSeconds": (time.process_time() - cpu) / ask["count"],
            "losses": results if ask["do"] == "steps" else [],
            "peakBytes": peak(),
        }

    say({"ready": True, "trainable": sum(p.numel() for p in trained), "version": torch.__version__})
    for line in sys.stdin:
        say(answer(line))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
