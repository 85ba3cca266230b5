"""Encoders and other models at tiny size, and where their hidden states lie."""

import timm
import torch
import transformers as hf
from torch import nn

from record import make

torch.backends.mha.set_fastpath_enabled(False)


class Call(nn.Module):
    """A model as a function of positional tensors that returns the named outputs only."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *args):
        result = self.model(**dict(zip(self.inputs, args)), return_dict=True)
        values = tuple(result[key] for key in self.outputs)
        return values if len(values) > 1 else values[0]


def pixels(batch=2, size=8, seed=3):
    x = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return {"pixel_values": (x * 100).round() / 100}


def tokens(batch=2, length=6, vocabulary=24, low=3, types=True, mask=True):
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(low, vocabulary, (batch, length), generator=generator)
    out = {"input_ids": ids}
    if mask:
        out["attention_mask"] = torch.ones_like(ids)
        out["attention_mask"][-1, -2:] = 0
    if types:
        out["token_type_ids"] = (torch.arange(length).expand(batch, length) >= 3).long()
    return out


IMAGE_AXES = {"pixel_values": {0: "batch"}}
TEXT_AXES = {key: {0: "batch", 1: "sequence"} for key in ("input_ids", "attention_mask", "token_type_ids")}
SMALL = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
VISION = dict(**SMALL, image_size=8, patch_size=4, attn_implementation="eager")
TEXT = dict(**SMALL, vocab_size=24, max_position_embeddings=16, attn_implementation="eager")


def pre_norm(layers, first, second):
    points = [(getattr(layer, side), "in") for layer in layers for side in (first, second)]
    return [*points, (layers[-1], "out")]


def vit(name, model, outputs, size=8, base=None, layers=None, second="layernorm_after", first="layernorm_before",
        architecture="ViT", dynamic=True, **options):
    stack = layers if layers is not None else (base or model).encoder.layer
    inputs = pixels(size=size)
    make(name, Call(model, list(inputs), outputs), pre_norm(stack, first, second), inputs, norm="pre",
         outputs=outputs, dynamic=IMAGE_AXES if dynamic else None, architecture=architecture, **options)


def bert(name, model, outputs, base=None, architecture="BERT", dynamic=True, inputs=None, **options):
    base = base or model
    inputs = inputs or tokens()
    points = [(base.embeddings.LayerNorm, "out")]
    for layer in base.encoder.layer:
        points += [(layer.attention.output.LayerNorm, "out"), (layer.output.LayerNorm, "out")]
    make(name, Call(model, list(inputs), outputs), points, inputs, norm="post", outputs=outputs,
         dynamic={key: TEXT_AXES[key] for key in inputs} if dynamic else None, architecture=architecture, **options)


def distilbert(name, model, outputs, base, **options):
    inputs = tokens(types=False)
    points = [(base.embeddings.LayerNorm, "out")]
    for layer in base.transformer.layer:
        points += [(layer.sa_layer_norm, "out"), (layer.output_layer_norm, "out")]
    make(name, Call(model, list(inputs), outputs), points, inputs, norm="post", outputs=outputs,
         dynamic={key: TEXT_AXES[key] for key in inputs}, architecture="DistilBERT", **options)


class TorchEncoder(nn.Module):
    def __init__(self, norm_first, final_norm):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, activation="gelu", batch_first=True, norm_first=norm_first)
        self.inward = nn.Linear(5, 16)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16) if final_norm else None,
                                             enable_nested_tensor=False)
        self.outward = nn.Linear(16, 3)

    def forward(self, x):
        return self.outward(self.encoder(self.inward(x)).mean(1))


class SqueezingEncoder(TorchEncoder):
    """Squeezing a dynamic dimension makes the exporter write If nodes on shapes, before and behind the blocks."""

    def forward(self, x):
        return self.outward(self.encoder(self.inward(x.squeeze(1))).squeeze(1).mean(1))


def torch_encoder(name, norm_first, dynamic=True, kind=TorchEncoder, **options):
    module = kind(norm_first, norm_first)
    layers = module.encoder.layers
    if norm_first:
        points = pre_norm(layers, "norm1", "norm2")
    else:
        points = [(layers[0], "in")] + [(getattr(layer, side), "out") for layer in layers for side in ("norm1", "norm2")]
    x = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(8))
    make(name, module, points, {"x": (x * 100).round() / 100}, norm="pre" if norm_first else "post",
         outputs=["scores"], dynamic={"x": {0: "batch", 1: "sequence"}} if dynamic else None,
         architecture="torch.nn.TransformerEncoder", **options)


def timm_vit(name, fused, dynamic=True, size=8, exporter="torchscript", opset=17, **options):
    timm.layers.set_fused_attn(fused)
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=size, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=5, **options)
    make(name, model, pre_norm(model.blocks, "norm1", "norm2"), pixels(size=size), norm="pre", outputs=["logits"],
         dynamic=IMAGE_AXES if dynamic else None, architecture="timm ViT", exporter=exporter, opset=opset)


def refused(name, module, inputs, why, outputs=("y",), axes=None, **options):
    make(name, module, [], inputs, norm="pre", outputs=list(outputs), refused=why, dynamic=axes,
         exporter=options.pop("exporter", "torchscript"), opset=options.pop("opset", 17), **options)


def vit_config(**extra):
    return hf.ViTConfig(**VISION, **extra)


def bert_config(**extra):
    return hf.BertConfig(**TEXT, **extra)


TS, DYNAMO = dict(exporter="torchscript"), dict(exporter="dynamo")


def make_albert(name, **options):
    model = hf.AlbertModel(hf.AlbertConfig(embedding_size=8, **TEXT), add_pooling_layer=False)
    inputs = tokens()
    module = Call(model, list(inputs), ["last_hidden_state"])
    # One layer's weights run twice: collect every call of its norms instead of the last.
    shared = model.encoder.albert_layer_groups[0].albert_layers[0]
    make_shared(name, module, model.encoder.embedding_hidden_mapping_in,
                [shared.attention.LayerNorm, shared.full_layer_layer_norm], inputs, **options)


def make_shared(name, module, start, norms, inputs, **options):
    import record
    plain = record.capture

    def capture(module, states, inputs):
        calls = []
        def keep(m, args, out):
            out.retain_grad()
            calls.append(out)
        handles = [m.register_forward_hook(keep) for m in [start, *norms]]
        result = module(*inputs.values())
        for handle in handles:
            handle.remove()
        return (result if isinstance(result, tuple) else (result,)), calls

    record.capture = capture
    try:
        make(name, module, [], inputs, norm="post", outputs=["last_hidden_state"], dynamic=TEXT_AXES,
             architecture="ALBERT", **options)
    finally:
        record.capture = plain


def make_mpnet(name, **options):
    model = hf.MPNetModel(hf.MPNetConfig(**TEXT, relative_attention_num_buckets=32), add_pooling_layer=False)
    inputs = tokens(types=False)
    points = [(model.embeddings.LayerNorm, "out")]
    for layer in model.encoder.layer:
        points += [(layer.attention.LayerNorm, "out"), (layer.output.LayerNorm, "out")]
    make(name, Call(model, list(inputs), ["last_hidden_state"]), points, inputs, norm="post",
         outputs=["last_hidden_state"], dynamic={key: TEXT_AXES[key] for key in inputs}, architecture="MPNet", **options)


def make_clip(name, **options):
    model = hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(projection_dim=8, **VISION))
    vit(name, model, ["image_embeds"], layers=model.vision_model.encoder.layers, first="layer_norm1",
        second="layer_norm2", architecture="CLIP vision", **options)


def make_dino(name, **options):
    model = hf.Dinov2Model(hf.Dinov2Config(mlp_ratio=2, **{k: v for k, v in VISION.items() if k != "intermediate_size"}))
    vit(name, model, ["last_hidden_state", "pooler_output"], first="norm1", second="norm2", architecture="DINOv2",
        **options)


def make_gpt2(name):
    model = hf.GPT2Model(hf.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=24, n_positions=16, use_cache=False,
                                       attn_implementation="eager"))
    inputs = tokens(types=False, mask=False)
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "causal", axes={"input_ids": TEXT_AXES["input_ids"]},
            architecture="GPT-2", opset=14)


def make_neox(name):
    model = hf.GPTNeoXModel(hf.GPTNeoXConfig(**TEXT, use_cache=False))
    inputs = tokens(types=False, mask=False)
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "parallel",
            axes={"input_ids": TEXT_AXES["input_ids"]}, architecture="GPT-NeoX", opset=14)


def make_t5(name):
    model = hf.T5Model(hf.T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=24, use_cache=False,
                                   relative_attention_num_buckets=8))
    inputs = tokens(types=False, mask=False)
    inputs["decoder_input_ids"] = inputs["input_ids"][:, :4].clone()
    axes = {"input_ids": TEXT_AXES["input_ids"], "decoder_input_ids": {0: "batch", 1: "target"}}
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "encoder-decoder", axes=axes, architecture="T5", opset=14)


def make_swin(name, **options):
    model = hf.SwinModel(hf.SwinConfig(image_size=16, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2],
                                       window_size=4, mlp_ratio=2), add_pooling_layer=False)
    inputs = pixels(size=16)
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "windowed", architecture="Swin", axes=None,
            **options)


def make_resnet(name):
    model = hf.ResNetModel(hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"))
    inputs = pixels(size=16)
    refused(name, Call(model, list(inputs), ["pooler_output"]), inputs, "convolutional", axes=IMAGE_AXES, architecture="ResNet")


def make_mlp(name):
    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16)) for _ in range(2))

        def forward(self, x):
            for layer in self.layers:
                x = x + layer(x)
            return x
    x = torch.randn(2, 4, 16, generator=torch.Generator().manual_seed(8))
    refused(name, Mlp(), {"x": (x * 100).round() / 100}, "no attention", architecture="MLP")


def make_siglip(name, **options):
    model = hf.SiglipVisionModel(hf.SiglipVisionConfig(**VISION))
    vit(name, model, ["last_hidden_state", "pooler_output"], layers=model.vision_model.encoder.layers, first="layer_norm1",
        second="layer_norm2", architecture="SigLIP vision", **options)


def make_beit(name, **options):
    model = hf.BeitModel(hf.BeitConfig(**VISION, use_relative_position_bias=True, use_mask_token=False, layer_scale_init_value=0.5))
    vit(name, model, ["last_hidden_state", "pooler_output"], architecture="BEiT", **options)


def make_time_first(name):
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=False)
    x = torch.randn(7, 2, 16, generator=torch.Generator().manual_seed(8))
    refused(name, nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), {"x": (x * 100).round() / 100}, "time first",
            architecture="torch.nn.TransformerEncoder")


def make_timm_parallel(name):
    timm.layers.set_fused_attn(False)
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=8, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=5,
        block_fn=timm.models.vision_transformer.ParallelScalingBlock)
    refused(name, model, pixels(), "parallel", architecture="ViT-22B")
