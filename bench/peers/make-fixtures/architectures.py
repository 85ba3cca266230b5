"""
The rest of the matrix architecture × exporter: encoders people have on the hub, each as PyTorch's TorchScript exporter and as its
dynamo exporter write it. NomicBERT is in transformers from 5 on: requirements-5.txt. A cell that an exporter cannot make stands in
REASONS with the exporter's own words.
"""

import torch
import transformers as hf
from torch import nn

from builders import (DYNAMO, TEXT, TEXT_AXES, TS, VISION, Call, bert, make_albert, make_beit, make_clip,
                      make_mpnet, make_siglip, tokens, vit)
from record import make


def text(name, model, inputs, points, outputs=("last_hidden_state",), norm="post", **options):
    module = model if options.pop("raw", False) else Call(model, list(inputs), list(outputs))
    make(name, module, points, inputs, norm=norm, outputs=list(outputs),
         dynamic={key: TEXT_AXES[key] for key in inputs}, **options)


def norms_of(layers, first, second):
    """Outputs of the two norms of every post-norm block."""
    reach = lambda layer, path: layer.get_submodule(path)
    return [(reach(layer, path), "out") for layer in layers for path in (first, second)]


BERT_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def roberta(name, kind, config, architecture, outputs=("last_hidden_state",), base=None, **options):
    model = kind(config(**TEXT, type_vocab_size=1, pad_token_id=1, **({"num_labels": 3} if base else {})),
                 **({} if base else {"add_pooling_layer": False}))
    bert(name, model, list(outputs), base=base and getattr(model, base), inputs=tokens(types=False),
         architecture=architecture, **options)


class SentenceEncoder(nn.Module):
    """A MiniLM as sentence-transformers uses it: mean over the tokens that are there, length 1."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        x = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)[0]
        mask = attention_mask.unsqueeze(-1).to(x.dtype)
        mean = (x * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, p=2, dim=1)


def minilm(name, pooled, **options):
    model = hf.BertModel(hf.BertConfig(**{**TEXT, "num_hidden_layers": 3}), add_pooling_layer=False)
    points = [(model.embeddings.LayerNorm, "out"), *norms_of(model.encoder.layer, *BERT_NORMS)]
    if pooled:
        text(name, SentenceEncoder(model), tokens(), points, ["sentence_embedding"], raw=True, architecture="MiniLM", **options)
    else:
        text(name, model, tokens(), points, architecture="MiniLM", **options)


def electra(name, **options):
    model = hf.ElectraModel(hf.ElectraConfig(embedding_size=8, **TEXT))
    points = [(model.embeddings_project, "out"), *norms_of(model.encoder.layer, *BERT_NORMS)]
    text(name, model, tokens(), points, architecture="ELECTRA", **options)


def deberta(name, version, **options):
    """v2 as its checkpoints are, with a convolution beside the first block; v3 without."""
    config = hf.DebertaV2Config(
        **TEXT, relative_attention=True, position_buckets=4, max_relative_positions=8, pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm", share_att_key=True, position_biased_input=False, type_vocab_size=0,
        conv_kernel_size=3 if version == 2 else 0, conv_act="gelu")
    model = hf.DebertaV2Model(config)
    points = [(model.embeddings, "out"), *norms_of(model.encoder.layer, *BERT_NORMS)]
    if version == 2:
        points[2] = (model.encoder.conv, "out")
    text(name, model, tokens(types=False), points, architecture=f"DeBERTa-v{version}", **options)


def modernbert(name, outputs=("last_hidden_state",), **options):
    """Layer 0 attends globally, layers 1 and 2 to 1 token at either side."""
    config = hf.ModernBertConfig(**{**TEXT, "num_hidden_layers": 3}, local_attention=2, global_attn_every_n_layers=3,
                                 pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
                                 reference_compile=False, num_labels=3)
    classifies = "logits" in outputs
    model = hf.ModernBertForSequenceClassification(config) if classifies else hf.ModernBertModel(config)
    layers = (model.model if classifies else model).layers
    points = [(part, "in") for layer in layers for part in (layer.attn_norm, layer.mlp_norm)] + [(layers[-1], "out")]
    text(name, model, tokens(types=False, length=7), points, outputs, norm="pre", architecture="ModernBERT", **options)


def nomicbert(name, **options):
    if not hasattr(hf, "NomicBertModel"):
        raise RuntimeError("needs the versions of requirements-5.txt")
    model = hf.NomicBertModel(hf.NomicBertConfig(**TEXT, head_dim=8))
    points = [(model.embeddings, "out"), *norms_of(model.layers, "post_attention_layernorm", "post_mlp_layernorm")]
    text(name, model, tokens(), points, architecture="NomicBERT", **options)


def clip_text(name, eos, outputs, **options):
    """A causal tower that is read at the end-of-text token only. With `eos` 2 the model looks for the largest id instead."""
    model = hf.CLIPTextModelWithProjection(hf.CLIPTextConfig(**TEXT, projection_dim=8, eos_token_id=eos, bos_token_id=1, pad_token_id=0))
    inputs = tokens(types=False, vocabulary=22)
    inputs["input_ids"][0, -1], inputs["input_ids"][1, 3] = 23, 23
    layers = model.text_model.encoder.layers
    points = [(part, "in") for layer in layers for part in (layer.layer_norm1, layer.layer_norm2)] + [(layers[-1], "out")]
    text(name, model, inputs, points, outputs, norm="pre", architecture="CLIP text", **options)


def deit(name, **options):
    model = hf.DeiTForImageClassificationWithTeacher(hf.DeiTConfig(num_labels=5, **VISION))
    vit(name, model, ["logits"], base=model.deit, architecture="DeiT", **options)


ROBERTA = (hf.RobertaModel, hf.RobertaConfig, "RoBERTa")
XLMR = (hf.XLMRobertaModel, hf.XLMRobertaConfig, "XLM-R")



def newest(build):
    """As transformers 5 writes it, with the attention it takes unless told otherwise (sdpa)."""

    def run(name):
        if int(hf.__version__.split(".")[0]) < 5:
            raise RuntimeError("needs the versions of requirements-5.txt")
        before = TEXT["attn_implementation"]
        TEXT["attn_implementation"] = "sdpa"
        try:
            build(name)
        finally:
            TEXT["attn_implementation"] = before

    return run


architectures = {
    "roberta-dynamo18": lambda n: roberta(n, *ROBERTA, opset=18, **DYNAMO),
    "xlm-r-ts14": lambda n: roberta(n, *XLMR, opset=14, **TS),
    "xlm-r-classifier-dynamo18": lambda n: roberta(n, hf.XLMRobertaForSequenceClassification, *XLMR[1:], outputs=["logits"],
                                                   base="roberta", opset=18, **DYNAMO),
    "minilm-ts11": lambda n: minilm(n, False, opset=11, **TS),
    "minilm-embedding-dynamo18": lambda n: minilm(n, True, opset=18, **DYNAMO),
    "albert-dynamo18": lambda n: make_albert(n, opset=18, **DYNAMO),
    "mpnet-dynamo18": lambda n: make_mpnet(n, opset=18, **DYNAMO),
    "electra-ts12": lambda n: electra(n, opset=12, **TS),
    "electra-dynamo18": lambda n: electra(n, opset=18, **DYNAMO),
    "deberta-v2-ts15": lambda n: deberta(n, 2, opset=15, **TS),
    "deberta-v2-dynamo18": lambda n: deberta(n, 2, opset=18, **DYNAMO),
    "deberta-v3-ts14": lambda n: deberta(n, 3, opset=14, **TS),
    "deberta-v3-dynamo18": lambda n: deberta(n, 3, opset=18, **DYNAMO),
    "modernbert-ts14": lambda n: modernbert(n, opset=14, **TS),
    "modernbert-classifier-dynamo18": lambda n: modernbert(n, ["logits"], opset=18, **DYNAMO),
    "nomicbert-ts17": lambda n: nomicbert(n, opset=17, **TS),
    "nomicbert-dynamo18": lambda n: nomicbert(n, opset=18, **DYNAMO),
    "deit-classifier-dynamo18": lambda n: deit(n, opset=18, **DYNAMO),
    "clip-vision-dynamo18": lambda n: make_clip(n, opset=18, **DYNAMO),
    "clip-text-ts14": lambda n: clip_text(n, 2, ["text_embeds", "last_hidden_state"], opset=14, **TS),
    "clip-text-dynamo18": lambda n: clip_text(n, 23, ["text_embeds"], opset=18, **DYNAMO),
    "bert-sdpa-dynamo18": newest(lambda n: bert(n, hf.BertModel(hf.BertConfig(**TEXT)), ["last_hidden_state", "pooler_output"],
                                                opset=18, **DYNAMO)),
    "clip-text-sdpa-ts17": newest(lambda n: clip_text(n, 23, ["text_embeds"], opset=17, **TS)),
    # Rows near the padding see no token at all: softmax of −∞ only, which the model sets to 0.
    "modernbert-sdpa-dynamo18": newest(lambda n: modernbert(n, opset=18, **DYNAMO)),
    "siglip-vision-dynamo18": lambda n: make_siglip(n, opset=18, **DYNAMO),
    "beit-ts16": lambda n: make_beit(n, opset=16, **TS),
}
