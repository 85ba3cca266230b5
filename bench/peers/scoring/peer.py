"""One side of bench/scoring.ts: the numerical ranks of all edges' gradients in PyTorch, on demand.

`peer.py '{"folder": ..., "engine": "svdvals", ...}'` prints a line of JSON when it is ready, then answers each line on
standard input, `{"do": "scores"}` or `{"do": "matmul", "count": 5}`, with one line.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent / "step"))
from encoder import load_encoder  # noqa: E402

CLASSES, ETA = 100, 0.01


def waves(outputs, inputs):
    """0.02 cos k over the flat index k of [in, out], as graft keeps a head."""
    numbers = 0.02 * torch.cos(torch.arange(outputs * inputs, dtype=torch.float64))
    return numbers.float().view(inputs, outputs).t().contiguous()


def pictures(count, side):
    index = torch.arange(count * 3 * side * side).view(count, 3, side, side)
    return (index * 31 % 256 / 255 - 0.5) / 0.5


def states_of(model, inputs):
    """The residual stream: what enters the first block, then after every sub-layer."""
    states = [model.embed({"pixel_values": inputs}).requires_grad_()]
    for block in model.blocks:
        states.append(block.step(states[-1], lambda y: block.attention(y, None), block.norm1, "0"))
        states.append(block.step(states[-1], block.mlp, block.norm2, "1"))
    return states


def loss_of(model, last, labels):
    x = model.norm(last)
    return F.cross_entropy(model.head(torch.cat([x[:, 0], x[:, 1:].mean(1)], -1)), labels, reduction="sum")


def gradients(model, images, labels, batch):
    """All n² sums x_i^T δ_j in one matrix [n·d, n·d], one product a batch: the way with the fewest and largest products."""
    total = None
    for start in range(0, len(images), batch):
        states = states_of(model, images[start : start + batch])
        loss = loss_of(model, states[-1], labels[start : start + batch]) / len(images)
        cotangents = torch.autograd.grad(loss, states)
        d = states[0].shape[-1]
        x = torch.cat([s.detach().reshape(-1, d) for s in states], 1)
        back = torch.cat([c.reshape(-1, d) for c in cotangents], 1)
        del states, cotangents, loss
        if total is None:
            total = torch.zeros(x.shape[1], back.shape[1])
        total.addmm_(x.t(), back)
    return total, d


def singular_values(gradient, engine):
    if engine == "svdvals":
        return torch.linalg.svdvals(gradient).double()
    if engine == "svdvals64":
        return torch.linalg.svdvals(gradient.double())
    wide = gradient.double()
    return torch.linalg.eigvalsh(wide.t() @ wide).clamp_min(0).sqrt().flip(0)


def srank(sigma):
    held = sigma.cumsum(0)
    return int((held < (1 - ETA) * held[-1] * (1 - 1e-12)).sum()) + 1 if held[-1] > 0 else 0


def main(spec):
    torch.set_num_threads(spec["threads"])
    model = load_encoder(spec["folder"], CLASSES)
    model.requires_grad_(False)
    model.head.weight.data = waves(*model.head.weight.shape)
    nn.init.zeros_(model.head.bias)
    images, labels = pictures(spec["examples"], spec["side"]), torch.arange(spec["examples"]) % CLASSES

    def scores():
        begun = time.perf_counter()
        total, d = gradients(model, images, labels, spec["batch"])
        made = time.perf_counter() - begun
        n = len(total) // d
        ranks = [
            [srank(singular_values(total[i * d : (i + 1) * d, j * d : (j + 1) * d], spec["engine"])) for j in range(n)]
            for i in range(n)
        ]
        return {"ranks": ranks, "gradientSeconds": made}

    left, right = torch.ones(1576, 768), torch.ones(768, 3072)

    def matmul():
        torch.mm(left, right)
        return {}

    matmul()
    say({"ready": True, "version": torch.__version__})
    for line in sys.stdin:
        ask = json.loads(line)
        work = {"scores": scores, "matmul": matmul}[ask["do"]]
        begun, cpu = time.perf_counter(), time.process_time()
        results = [work() for _ in range(ask["count"])]
        say(
            {
                "seconds": (time.perf_counter() - begun) / ask["count"],
                "cpuSeconds": (time.process_time() - cpu) / ask["count"],
                "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                **results[-1],
            }
        )


def say(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
