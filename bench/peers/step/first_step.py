"""The least script that does a first step: `first_step.py FOLDER BATCH THREADS`, a ViT with 3 late adapters and a head."""

import sys

import torch
from torch import nn
from transformers import ViTModel

folder, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
encoder = ViTModel.from_pretrained(folder, add_pooling_layer=False).requires_grad_(False)
d = encoder.config.hidden_size


class Late(nn.Module):
    """A block's output layer with a bottleneck beside it."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.adapter = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 8), nn.GELU(), nn.Linear(8, d))

    def forward(self, hidden, residual):
        return self.inner(hidden, residual) + self.adapter(residual)


for layer in encoder.encoder.layer[-3:]:
    layer.output = Late(layer.output)
head = nn.Linear(d, 2)
trained = [p for p in [*encoder.parameters(), *head.parameters()] if p.requires_grad]
optimizer = torch.optim.AdamW(trained, fused=True)
pixels, labels = torch.randn(batch, 3, 224, 224), torch.arange(batch) % 2
loss = nn.functional.cross_entropy(head(encoder(pixel_values=pixels).last_hidden_state[:, 0]), labels)
loss.backward()
optimizer.step()
print("first step done", flush=True)
