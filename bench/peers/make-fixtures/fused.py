"""
The encoders of test/fixtures/encoders as people deploy them, into test/fixtures/encoders-fused: fused by ONNX Runtime's
transformer optimiser, in float16, and quantised (see quantized.py). The reference numbers stay those of the float model,
from PyTorch. No PyTorch is needed here: `python fused.py [name ...]`.
"""

import collections
import json
import logging
import pathlib
import sys
import tempfile
import warnings

import numpy
import onnx
import onnxruntime
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

from quantized import dynamic, nbits, qdq
from record import shorten, strip

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
BASES = pathlib.Path(__file__).resolve().parents[3] / "test" / "fixtures" / "encoders"
FOLDER = BASES.parent / "encoders-fused"


def base(name):
    return onnx.load(BASES / f"{name}.onnx"), json.loads((BASES / f"{name}.json").read_text())


def fuse(model, kind, heads_apart=False, half=None):
    """half: None, or whether inputs and outputs stay float32"""
    options = FusionOptions(kind)
    options.use_multi_head_attention = heads_apart
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        onnx.save(model, file.name)
        fused = optimizer.optimize_model(file.name, model_type=kind, num_heads=2, hidden_size=16,
                                         optimization_options=options, opt_level=0, only_onnxruntime=False)
    if half is not None:
        fused.convert_float_to_float16(keep_io_types=half)
    if all(entry.domain != "com.microsoft" for entry in fused.model.opset_import):
        fused.model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return fused.model


def half(model, keep_io_types):
    from onnxruntime.transformers.float16 import convert_float_to_float16
    return convert_float_to_float16(model, keep_io_types=keep_io_types, force_fp16_initializers=True)


def optimized(model, level):
    """As the runtime itself saves a model after its own fusions."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        options.optimized_model_filepath = file.name
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(file.name)


def feeds_of(record, model):
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    return {key: numpy.array(v["data"], v["dtype"]).reshape(v["shape"]).astype(
        onnx.helper.tensor_dtype_to_np_dtype(types[key])) for key, v in record["inputs"].items()}


def write(name, variant, source, model, tolerance):
    _, record = base(source)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.onnx"
    onnx.save(strip(model), path)
    if path.stat().st_size > 30_000:
        onnx.save(shorten(model), path)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    got = session.run(None, feeds_of(record, model))[0].astype("float32")
    want = numpy.array(record["output"]["data"], "float32").reshape(record["output"]["shape"])
    worst = float(numpy.abs(got - want).max() / numpy.abs(want).max())
    assert worst < tolerance, f"{name}: the file differs from its float model by {worst}"
    record["variant"], record["base"] = variant, source
    record["exporter"] += f" + {variant}"
    record["opset"] = next(x.version for x in model.opset_import if x.domain in ("", "ai.onnx"))
    record["versions"] |= {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    record["command"] = f"python bench/peers/make-fixtures/fused.py {name}"
    text = json.dumps(record, separators=(",", ":")).replace('},"', '},\n"')
    (FOLDER / f"{name}.json").write_text(text + "\n")
    counts = collections.Counter(node.op_type for node in model.graph.node if node.domain not in ("", "ai.onnx")
                                 or "Quant" in node.op_type or "Integer" in node.op_type)
    print(f"{name:32} {path.stat().st_size:6} + {len(text):5} bytes, off by {worst:.1e}, {dict(counts)}")


def fused(source, kind, **options):
    return lambda name: write(name, "fused", source, fuse(base(source)[0], kind, **options), 2e-5)


def halved(source, keep, kind=None):
    def make(name):
        model = base(source)[0]
        write(name, "float16", source, fuse(model, kind, half=keep) if kind else half(model, keep), 1e-2)
    return make


def quantized(variant, source, how, kind=None, level=None, **options):
    def make(name):
        model, record = base(source)
        model = how(fuse(model, kind) if kind else model, record, **options)
        write(name, variant, source, model if level is None else optimized(model, level), 0.25)
    return make


def exported(architecture):
    """ONNX's own Attention, as PyTorch's dynamo exporter writes it from opset 23 on; needs PyTorch."""
    def make(name):
        import transformers
        import make_fixtures
        import record
        record.ROOT = FOLDER
        eager = dict(make_fixtures.TEXT if architecture == "BERT" else make_fixtures.VISION)
        config = eager | {"attn_implementation": "sdpa"}
        if architecture == "BERT":
            model = transformers.BertModel(transformers.BertConfig(**config), add_pooling_layer=False)
            make_fixtures.bert(name, model, ["last_hidden_state"], opset=23, exporter="dynamo")
        else:
            model = transformers.ViTModel(transformers.ViTConfig(**config), add_pooling_layer=False)
            make_fixtures.vit(name, model, ["last_hidden_state"], opset=23, exporter="dynamo")
        path = FOLDER / f"{name}.json"
        text = path.read_text().replace("make_fixtures.py", "fused.py")
        path.write_text(text.replace('{"architecture"', '{"variant":"fused","architecture"'))
    return make


EXTENDED = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
FIXTURES = {
    "bert-fused": fused("bert-pooler-ts11", "bert"),
    "bert-classifier-fused-heads-apart": fused("bert-classifier-ts14", "bert", heads_apart=True),
    "roberta-fused": fused("roberta-ts17", "bert"),
    "distilbert-fused": fused("distilbert-ts14", "bert"),
    "vit-fused": fused("vit-ts17", "vit"),
    "clip-vision-fused": fused("clip-vision-ts14", "clip"),
    "bert-dynamo23": exported("BERT"),
    "vit-dynamo23": exported("ViT"),
    "bert-float16": halved("bert-classifier-ts14", True),
    "bert-fused-float16": halved("bert-fixed-ts17", True, kind="bert"),
    "vit-float16": halved("vit-ts17", False),
    "bert-int8": quantized("int8", "bert-classifier-ts14", dynamic),
    "bert-fused-int8": quantized("int8", "bert-fixed-ts17", dynamic, kind="bert"),
    "bert-runtime-int8": quantized("int8", "bert-fixed-ts17", dynamic, level=EXTENDED, per_channel=True),
    "vit-int8": quantized("int8", "vit-ts17", dynamic, per_channel=True),
    "bert-qdq": quantized("qdq", "bert-fixed-ts17", qdq, kinds=["MatMul", "Gather", "LayerNormalization"]),
    "vit-qdq": quantized("qdq", "vit-ts17", qdq, per_channel=True,
                         kinds=["Conv", "MatMul", "Add", "LayerNormalization", "Transpose", "Reshape"]),
    "bert-4bit": quantized("4bit", "bert-fixed-ts17", nbits, tables=True),
    "vit-4bit": quantized("4bit", "vit-ts17", nbits, symmetric=True),
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or FIXTURES:
        FIXTURES[wanted](wanted)
