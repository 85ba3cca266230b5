"""Run a PyTorch encoder, record the tensors of its residual stream and their gradients, export it, write both files."""

import inspect
import json
import pathlib
import sys

import numpy
import onnx
import torch

ROOT = pathlib.Path(__file__).resolve().parents[3] / "test" / "fixtures" / "encoders"


def randomize(module, seed):
    """Weights large enough that no two states look alike: the default initialisation leaves biases zero."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        is_scale = parameter.dim() == 1 and ("norm" in name.lower() or "lambda" in name or "ls" in name)
        with torch.no_grad():
            if is_scale and not name.endswith("bias"):
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.2 * noise)
            elif parameter.dim() == 2:
                parameter.copy_(noise / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(0.4 * noise)
    return module.eval()


def summary(tensor):
    """Enough of a tensor to tell it from any other: `probe` is the sum of x[k] * sin(k + 1) over the flat index k."""
    flat = tensor.detach().double().flatten()
    weights = torch.sin(torch.arange(1, flat.numel() + 1, dtype=torch.float64))
    digits = lambda x: float(f"{x:.7g}")
    return {
        "first": [digits(x) for x in flat[:8].tolist()],
        "norm": digits(flat.norm().item()),
        "probe": digits((flat * weights).sum().item()),
    }


def capture(module, states, inputs):
    """Run once; returns outputs and the tensors at `states`: (submodule, "in" | "out") pairs, in order."""
    found = [None] * len(states)
    handles = []
    for k, (submodule, side) in enumerate(states):
        def keep(value, k=k):
            value = value[0] if isinstance(value, tuple) else value
            found[k] = value
            value.requires_grad_(True) if value.is_leaf else value.retain_grad()
        if side == "in":
            handles.append(submodule.register_forward_pre_hook(lambda m, args, keep=keep: keep(args)))
        else:
            handles.append(submodule.register_forward_hook(lambda m, args, out, keep=keep: keep(out)))
    outputs = module(*inputs.values())
    for handle in handles:
        handle.remove()
    return (outputs if isinstance(outputs, tuple) else (outputs,)), found


def loss_of(output):
    """sum of w[k] * y[k]^2 over the flat index k, w[k] = (k mod 5 + 1) / 5"""
    flat = output.flatten()
    weights = (torch.arange(flat.numel()) % 5 + 1).to(flat.dtype) / 5
    return (weights * flat * flat).sum()


def listed(array):
    array = numpy.asarray(array)
    kind = {"float32": float, "int64": int, "int32": int, "bool": bool}[str(array.dtype)]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": [kind(f"{x:.7g}") if kind is float else kind(x) for x in array.flatten()]}


def strip(model):
    """Drop what only debuggers read (stack traces, doc strings): it is most of a tiny file."""
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        value.ClearField("doc_string")
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    return model


def shorten(model):
    """Drop node names and number the inner values: module paths are most of a tiny file, and nothing reads them."""
    graph = model.graph
    public = {value.name for value in [*graph.input, *graph.output]} | {t.name for t in graph.initializer}
    inner = [v for body in bodies(graph) for node in body.node for v in node.output if v and v not in public]
    short = {v: f"v{k}" for k, v in enumerate(inner)}
    for body in bodies(graph):
        del body.value_info[:]
        for node in body.node:
            node.ClearField("name")
            node.input[:] = [short.get(v, v) for v in node.input]
            node.output[:] = [short.get(v, v) for v in node.output]
        for value in body.output:
            value.name = short.get(value.name, value.name)
    return model


def bodies(graph):
    """A graph and the branches in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from bodies(attribute.g)


def write(name, model, record, folder=ROOT):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(strip(model), path)
    if path.stat().st_size > 40_000:
        onnx.save(shorten(model), path)
    import onnxruntime
    session = onnxruntime.InferenceSession(path.read_bytes())
    feeds = {key: numpy.array(v["data"], v["dtype"]).reshape(v["shape"]) for key, v in record["inputs"].items()}
    got = session.run(None, feeds)[0]
    want = numpy.array(record["output"]["data"], "float32").reshape(record["output"]["shape"])
    worst = float(numpy.abs(got - want).max())
    assert worst < 2e-4, f"{name}: the export differs from its model by {worst}"
    text = json.dumps(record, separators=(",", ":")).replace('},"', '},\n"')
    (folder / f"{name}.json").write_text(text + "\n")
    print(f"{name:28} {path.stat().st_size:7} + {len(text):6} bytes, {len(model.graph.node):4} nodes, off by {worst:.1e}")


def make(name, module, states, inputs, *, exporter, opset, norm, dynamic=None, outputs, seed=1, architecture, refused=None):
    """
    dynamic: {input: {axis: name}} or None for fixed shapes; norm: "pre" | "post"; refused: why, for models without
    an encoder's residual stream.
    """
    randomize(module, seed)
    values, found = capture(module, states, inputs)
    loss_of(values[0]).backward()
    record = {
        "architecture": architecture,
        "exporter": exporter,
        "opset": opset,
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__, **library_versions(module)},
        "command": f"python bench/peers/make-fixtures/make_fixtures.py {name}",
        "dynamic": dynamic is not None,
    }
    if refused:
        record["refused"] = refused
    else:
        record["normPosition"] = norm
        record["loss"] = "sum of w[k] * y[k]^2 over the first output's flat index k, w[k] = (k mod 5 + 1) / 5"
    record["inputs"] = {key: listed(value.detach().numpy()) for key, value in inputs.items()}
    rounded = lambda t: {**listed(t.detach().numpy()), "data": [float(f"{x:.6g}") for x in t.detach().flatten().tolist()]}
    record["output"] = {"name": outputs[0], **rounded(values[0])}
    if not refused:
        record["states"] = [{"shape": list(t.shape), **summary(t)} for t in found]
        record["gradients"] = [summary(t.grad) for t in found]
    folder = ROOT / "refused" if refused else ROOT
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    inputs = {key: value.detach() for key, value in inputs.items()}
    with torch.no_grad():
        if exporter == "torchscript":
            axes = {key: dict(value) for key, value in (dynamic or {}).items()}
            if dynamic and outputs:
                axes[outputs[0]] = {0: "batch"}
            torch.onnx.export(module, tuple(inputs.values()), str(path), opset_version=opset, dynamo=False,
                              input_names=list(inputs), output_names=outputs, dynamic_axes=axes or None)
        else:
            shapes = None
            if dynamic:
                dims = {}
                shapes = tuple({axis: dims.setdefault(label, torch.export.Dim(label, min=1 if label == "batch" else 2, max=64))
                                for axis, label in dynamic.get(key, {}).items()} for key in inputs)
                if any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()):
                    shapes = (shapes,)
            program = torch.onnx.export(module, tuple(inputs.values()), dynamo=True, opset_version=opset,
                                        input_names=list(inputs), output_names=outputs, dynamic_shapes=shapes,
                                        verbose=False)
            program.save(str(path), external_data=False)
    write(name, onnx.load(path), record, folder)


def library_versions(module):
    out = {}
    for sub in module.modules():
        package = type(sub).__module__.split(".")[0]
        if package in ("transformers", "timm") and package not in out:
            out[package] = sys.modules[package].__version__
    return out
