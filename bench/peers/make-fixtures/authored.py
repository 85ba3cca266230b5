"""Make test/fixtures/authored again: tiny models as transformers saves them, and what they compute.

    python bench/peers/make-fixtures/authored.py

Written with what requirements.txt pins. Weights are random, rounded to the type they are saved in before the reference
runs in float32. `hidden` are summaries (README.md) of transformers' own hidden_states, one before the first block and
one behind each, `gradients` those of the loss in README.md on last_hidden_state with respect to them.
"""

import json
import pathlib
import shutil
import sys

sys.path.append(sys.path.pop(0))  # tokenizers.py beside this file is not the package transformers imports
import torch
import transformers as hf

from record import listed, loss_of, randomize, summary

ROOT = pathlib.Path(__file__).resolve().parents[3] / "test" / "fixtures" / "authored"
TEXT = dict(vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=12)
VISION = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=8, patch_size=4)
DINO = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=16, patch_size=4)


def text(types=False, pad=0):
    """A batch of 3 rows of 7, padded; and one row of 4."""
    generator = torch.Generator().manual_seed(3)
    batches = []
    for lengths, width in [((7, 5, 2), 7), ((4,), 4)]:
        ids = torch.randint(5, 24, (len(lengths), width), generator=generator)
        mask = (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).long()
        feeds = {"input_ids": torch.where(mask == 1, ids, pad), "attention_mask": mask}
        if types:
            feeds["token_type_ids"] = torch.randint(0, 2, ids.shape, generator=generator)
        batches.append(feeds)
    return batches


def pictures(height, width=None):
    generator = torch.Generator().manual_seed(4)
    return [{"pixel_values": torch.randn(batch, 3, height, width or height, generator=generator)} for batch in (2, 1)]


def make(name, model, batches, *, dtype=torch.float32, shard=None, image=None, **call):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.config._attn_implementation = "eager"
    model = randomize(model, 1).to(dtype)
    model.save_pretrained(folder, safe_serialization=True, **({"max_shard_size": shard} if shard else {}))
    model = model.float()
    base = getattr(model, model.base_model_prefix, model)
    runs = []
    for feeds in batches:
        out = base(**feeds, **call, output_hidden_states=True)
        for state in out.hidden_states:
            state.retain_grad()
        loss_of(out.last_hidden_state).backward()
        run = {"inputs": {key: listed(value.numpy()) for key, value in feeds.items()},
               "last_hidden_state": listed(out.last_hidden_state.detach().numpy()),
               "hidden": [summary(state) for state in out.hidden_states],
               "gradients": [summary(state.grad) for state in out.hidden_states]}
        # Where a model has no pooler of its own (DINOv2) the library calls the class token that.
        if getattr(base, "pooler", None) is not None:
            run["pooler_output"] = listed(out.pooler_output.detach().numpy())
        runs.append(run)
    record = {"class": type(model).__name__, "dtype": str(dtype).removeprefix("torch."),
              "versions": {"torch": torch.__version__, "transformers": hf.__version__},
              "command": "python bench/peers/make-fixtures/authored.py", "image": image, "runs": runs}
    (folder / "reference.json").write_text(json.dumps(record, separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(f"{name:28} {sum(f.stat().st_size for f in folder.iterdir()):7} bytes: {', '.join(sorted(f.name for f in folder.iterdir()))}")


make("bert", hf.BertModel(hf.BertConfig(**TEXT)), text(types=True))
make("bert-classifier-bfloat16-shards", hf.BertForSequenceClassification(hf.BertConfig(**TEXT, hidden_act="gelu_new")),
     text(types=True), dtype=torch.bfloat16, shard="6KB")
make("roberta-float16", hf.RobertaForMaskedLM(hf.RobertaConfig(**TEXT, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5)),
     text(pad=1), dtype=torch.float16)
make("xlm-roberta", hf.XLMRobertaModel(hf.XLMRobertaConfig(**TEXT, type_vocab_size=1, pad_token_id=1), add_pooling_layer=False), text(pad=1))
make("distilbert", hf.DistilBertForSequenceClassification(hf.DistilBertConfig(
    dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=24, max_position_embeddings=12)), text())
make("electra", hf.ElectraForPreTraining(hf.ElectraConfig(**TEXT, embedding_size=8)), text(types=True))
make("vit", hf.ViTModel(hf.ViTConfig(**VISION)), pictures(8))
make("vit-classifier-larger", hf.ViTForImageClassification(hf.ViTConfig(**VISION, qkv_bias=False)), pictures(12), image=12,
     interpolate_pos_encoding=True)
make("deit", hf.DeiTForImageClassificationWithTeacher(hf.DeiTConfig(**VISION)), pictures(8))
make("dinov2-smaller", hf.Dinov2Model(hf.Dinov2Config(**DINO)), pictures(12), image=12)
make("dinov2-swiglu", hf.Dinov2ForImageClassification(hf.Dinov2Config(**DINO, use_swiglu_ffn=True)), pictures(16))
make("dinov2-registers-smaller", hf.Dinov2WithRegistersModel(hf.Dinov2WithRegistersConfig(**DINO, num_register_tokens=3)),
     pictures(8), image=8)
