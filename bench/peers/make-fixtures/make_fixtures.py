"""Make every file under test/fixtures/encoders again, or those named on the command line. See README.md."""

import sys
import warnings

sys.path.append(sys.path.pop(0))  # tokenizers.py beside this file is not the package transformers imports
warnings.filterwarnings("ignore")
import torch
import transformers as hf

from architectures import architectures
from builders import *
from handwritten import handwritten
from refusals import refusals

FIXTURES = {
    "vit-pooler-ts11": lambda n: vit(n, hf.ViTModel(vit_config()), ["last_hidden_state", "pooler_output"], opset=11, **TS),
    "vit-classifier-fixed-ts14": lambda n: (lambda m: vit(n, m, ["logits"], base=m.vit, opset=14, dynamic=False, **TS))(
        hf.ViTForImageClassification(vit_config(num_labels=5))),
    "vit-ts17": lambda n: vit(n, hf.ViTModel(vit_config(), add_pooling_layer=False), ["last_hidden_state"], opset=17, **TS),
    "vit-classifier-dynamo18": lambda n: (lambda m: vit(n, m, ["logits"], base=m.vit, opset=18, **DYNAMO))(
        hf.ViTForImageClassification(vit_config(num_labels=5))),
    "deit-classifier-ts17": lambda n: (lambda m: vit(n, m, ["logits"], base=m.deit, opset=17, architecture="DeiT", **TS))(
        hf.DeiTForImageClassificationWithTeacher(hf.DeiTConfig(num_labels=5, **VISION))),
    "dinov2-ts17": lambda n: make_dino(n, opset=17, **TS),
    "dinov2-dynamo18": lambda n: make_dino(n, opset=18, **DYNAMO),
    "clip-vision-ts14": lambda n: make_clip(n, opset=14, **TS),
    "siglip-vision-ts17": lambda n: make_siglip(n, opset=17, **TS),
    "beit-dynamo18": lambda n: make_beit(n, opset=18, **DYNAMO),
    "timm-vit-ts17": lambda n: timm_vit(n, fused=False),
    "timm-vit-sdpa-ts14": lambda n: timm_vit(n, fused=True, opset=14, init_values=0.5),
    "timm-vit-average-registers-ts17": lambda n: timm_vit(n, fused=False, global_pool="avg", reg_tokens=2, dynamic=False),
    # 16 patches, no class token, d = 16: tokens and width are equal.
    "timm-vit-square-ts11": lambda n: timm_vit(n, fused=False, global_pool="avg", class_token=False, size=16, opset=11),
    "timm-vit-dynamo18": lambda n: timm_vit(n, fused=True, exporter="dynamo", opset=18),
    "bert-pooler-ts11": lambda n: bert(n, hf.BertModel(bert_config()), ["last_hidden_state", "pooler_output"], opset=11, **TS),
    "bert-classifier-ts14": lambda n: (lambda m: bert(n, m, ["logits"], base=m.bert, opset=14, **TS))(
        hf.BertForSequenceClassification(bert_config(num_labels=3))),
    "bert-fixed-ts17": lambda n: bert(n, hf.BertModel(bert_config(), add_pooling_layer=False), ["last_hidden_state"],
                                      opset=17, dynamic=False, **TS),
    "bert-dynamo18": lambda n: bert(n, hf.BertModel(bert_config()), ["last_hidden_state", "pooler_output"], opset=18, **DYNAMO),
    "bert-sdpa-ts14": lambda n: bert(n, hf.BertModel(hf.BertConfig(**{**TEXT, "attn_implementation": "sdpa"}), add_pooling_layer=False),
                                     ["last_hidden_state"], opset=14, **TS),
    "roberta-ts17": lambda n: bert(n, hf.RobertaModel(hf.RobertaConfig(**TEXT, type_vocab_size=1, pad_token_id=1), add_pooling_layer=False),
                                   ["last_hidden_state"], inputs=tokens(types=False), opset=17, architecture="RoBERTa", **TS),
    "distilbert-ts14": lambda n: (lambda m: distilbert(n, m, ["last_hidden_state"], m, opset=14, **TS))(
        hf.DistilBertModel(hf.DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=24,
                                               max_position_embeddings=16, attn_implementation="eager"))),
    "distilbert-classifier-dynamo18": lambda n: (lambda m: distilbert(n, m, ["logits"], m.distilbert, opset=18, **DYNAMO))(
        hf.DistilBertForSequenceClassification(hf.DistilBertConfig(
            dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=24, max_position_embeddings=16,
            attn_implementation="eager"))),
    "albert-ts14": lambda n: make_albert(n, opset=14, **TS),
    "mpnet-ts17": lambda n: make_mpnet(n, opset=17, **TS),
    "torch-encoder-pre-ts17": lambda n: torch_encoder(n, True, opset=17, **TS),
    "torch-encoder-post-ts14": lambda n: torch_encoder(n, False, opset=14, **TS),
    "torch-encoder-post-fixed-ts17": lambda n: torch_encoder(n, False, opset=17, dynamic=False, **TS),
    "torch-encoder-pre-dynamo18": lambda n: torch_encoder(n, True, opset=18, **DYNAMO),
    "torch-encoder-branches-ts17": lambda n: torch_encoder(n, True, kind=SqueezingEncoder, opset=17, **TS),
    **architectures,
    **handwritten,
    **refusals,
    "gpt2": make_gpt2,
    "gpt-neox": make_neox,
    "t5": make_t5,
    "swin": make_swin,
    "resnet": make_resnet,
    "mlp": make_mlp,
    "time-first": make_time_first,
    "timm-parallel": make_timm_parallel,
}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(FIXTURES)
    failed = []
    for name in wanted:
        try:
            torch.manual_seed(0)
            FIXTURES[name](name)
        except Exception as error:
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {str(error)[:3000]}")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
