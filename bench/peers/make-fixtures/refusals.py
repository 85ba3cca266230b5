"""Models that are no encoders, as people export them: decoders with and without past, encoder-decoders, windowed models."""

import torch
import transformers as hf
from torch import nn

from builders import TEXT, TEXT_AXES, VISION, Call, make_swin, pixels, refused, tokens

GPT2 = dict(n_embd=16, n_layer=2, n_head=2, vocab_size=24, n_positions=16, attn_implementation="eager")
LLAMA = dict(TEXT, num_key_value_heads=1, pad_token_id=0, bos_token_id=1, eos_token_id=2)
BART = dict(d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=32, decoder_ffn_dim=32, attn_implementation="eager")
SPECIAL = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)


def text_axes(inputs):
    return {key: TEXT_AXES.get(key, {0: "batch", 1: "target"}) for key in inputs}


class WithPast(nn.Module):
    """A decoder as it is served: keys and values of earlier tokens go in, those of all tokens come out."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, *past):
        cache = hf.DynamicCache.from_legacy_cache(tuple(zip(past[::2], past[1::2])))
        result = self.model(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        present = result.past_key_values
        present = present if isinstance(present, tuple) else present.to_legacy_cache()
        return (result.logits, *(part for layer in present for part in layer))


def with_past(name, model, layers, heads, width, architecture):
    generator = torch.Generator().manual_seed(6)
    inputs = {"input_ids": tokens(length=3, types=False)["input_ids"], "attention_mask": torch.ones(2, 7, dtype=torch.int64)}
    axes = {"input_ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "total"}}
    for layer in range(layers):
        for part in ("key", "value"):
            past = torch.randn(2, heads, 4, width, generator=generator)
            inputs[f"past_key_values.{layer}.{part}"] = (past * 100).round() / 100
            axes[f"past_key_values.{layer}.{part}"] = {0: "batch", 2: "past"}
    outputs = ["logits", *(f"present.{k}.{part}" for k in range(layers) for part in ("key", "value"))]
    refused(name, WithPast(model), inputs, "causal", outputs=outputs, axes=axes, architecture=architecture, opset=14)


def causal(name, model, architecture, output="logits", **options):
    inputs = tokens(types=False)
    refused(name, Call(model, list(inputs), [output]), inputs, "causal", outputs=[output], axes=text_axes(inputs),
            architecture=architecture, **options)


def encoder_decoder(name, model, architecture, output="logits", **options):
    inputs = tokens(types=False, mask=False)
    inputs["decoder_input_ids"] = inputs["input_ids"][:, :4].clone()
    refused(name, Call(model, list(inputs), [output]), inputs, "encoder-decoder", outputs=[output],
            axes=text_axes(inputs), architecture=architecture, **options)


def whisper(name):
    model = hf.WhisperModel(hf.WhisperConfig(**BART, **SPECIAL, vocab_size=24, num_mel_bins=4, max_source_positions=6,
                                             max_target_positions=8, use_cache=False, suppress_tokens=[], begin_suppress_tokens=[]))
    x = torch.randn(2, 4, 12, generator=torch.Generator().manual_seed(3))
    inputs = {"input_features": (x * 100).round() / 100, "decoder_input_ids": tokens(types=False, mask=False)["input_ids"][:, :4]}
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "encoder-decoder", axes=None, architecture="Whisper")


def clip(name):
    text = dict(TEXT, eos_token_id=2, bos_token_id=1, pad_token_id=0)
    model = hf.CLIPModel(hf.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=8, attn_implementation="eager"))
    inputs = {**tokens(types=False), **pixels()}
    refused(name, Call(model, list(inputs), ["logits_per_image"]), inputs, "two towers", outputs=["logits_per_image"],
            axes=None, architecture="CLIP", opset=14)


def segformer(name):
    model = hf.SegformerModel(hf.SegformerConfig(num_encoder_blocks=1, depths=[2], sr_ratios=[2], hidden_sizes=[16],
                                                 patch_sizes=[3], strides=[2], num_attention_heads=[2], mlp_ratios=[2]))
    inputs = pixels(size=16)
    refused(name, Call(model, list(inputs), ["last_hidden_state"]), inputs, "windowed", architecture="SegFormer", axes=None)


refusals = {
    "gpt2-lm-dynamo": lambda n: causal(n, hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2, use_cache=False)), "GPT-2", opset=18, exporter="dynamo"),
    "gpt2-classifier": lambda n: causal(n, hf.GPT2ForSequenceClassification(hf.GPT2Config(
        **GPT2, use_cache=False, num_labels=3, pad_token_id=0)), "GPT-2", opset=14),
    "gpt2-past": lambda n: with_past(n, hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2)), 2, 2, 8, "GPT-2"),
    "llama": lambda n: causal(n, hf.LlamaForCausalLM(hf.LlamaConfig(**LLAMA, use_cache=False)), "Llama", opset=17),
    "llama-past": lambda n: with_past(n, hf.LlamaForCausalLM(hf.LlamaConfig(**LLAMA)), 2, 1, 8, "Llama"),
    "qwen2-dynamo": lambda n: causal(n, hf.Qwen2Model(hf.Qwen2Config(**LLAMA, use_cache=False)), "Qwen2", output="last_hidden_state",
                                     opset=18, exporter="dynamo"),
    "bart": lambda n: encoder_decoder(n, hf.BartForConditionalGeneration(hf.BartConfig(
        **BART, **SPECIAL, vocab_size=24, max_position_embeddings=16, use_cache=False)), "BART", opset=14),
    "t5-dynamo": lambda n: encoder_decoder(n, hf.T5Model(hf.T5Config(
        d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=24, use_cache=False, relative_attention_num_buckets=8)),
        "T5", output="last_hidden_state", opset=18, exporter="dynamo"),
    "whisper": whisper,
    "clip": clip,
    "segformer": segformer,
    "swin-dynamo": lambda n: make_swin(n, opset=18, exporter="dynamo"),
}
