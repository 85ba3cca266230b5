"""
Two encoders written node by node with onnx.helper, in forms that exporters do not produce but people do: Gemm around
Reshape, weights in Constant nodes, one Split for q, k, v, scales folded into weights, residual operands in either order,
norms written out in other ways. The reference is the same formula in torch.
"""

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from record import ROOT, listed, loss_of, summary, write

D, H, T, F = 16, 2, 6, 24


class Writer:
    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, tensor, constant=False):
        array = tensor.detach().numpy() if isinstance(tensor, torch.Tensor) else numpy.asarray(tensor)
        if constant:
            name = self.name()
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
            return name
        name = self.name()
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def ints(self, *values):
        return self.weight(numpy.array(values, "int64"))

    def scalar(self, value):
        return self.weight(numpy.array(value, "float32"))


def parameters(seed):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, scale=None):
        return torch.randn(*shape, generator=generator) * (scale or shape[0] ** -0.5)

    return draw


def norm(x, scale=None, shift=None):
    y = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-5)
    return y if scale is None else y * scale + shift


def heads(x):
    return x.reshape(x.shape[0], T, H, D // H).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).reshape(-1, T, D)


def keep(states, x):
    x.requires_grad_(True) if x.is_leaf else x.retain_grad()
    states.append(x)
    return x


def record(name, writer, inputs, outputs, opset, states, out, feeds, norm_position, architecture):
    loss_of(out).backward()
    graph = helper.make_graph(writer.nodes, "handwritten", inputs, outputs, writer.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    rounded = {**listed(out.detach().numpy()), "data": [float(f"{x:.6g}") for x in out.detach().flatten().tolist()]}
    write(name, model, {
        "architecture": architecture,
        "exporter": "onnx.helper",
        "opset": opset,
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__},
        "command": f"python bench/peers/make-fixtures/make_fixtures.py {name}",
        "dynamic": True,
        "normPosition": norm_position,
        "loss": "sum of w[k] * y[k]^2 over the first output's flat index k, w[k] = (k mod 5 + 1) / 5",
        "inputs": {key: listed(value.numpy()) for key, value in feeds.items()},
        "output": {"name": outputs[0].name, **rounded},
        "states": [{"shape": list(t.shape), **summary(t)} for t in states],
        "gradients": [summary(t.grad) for t in states],
    }, ROOT)


def pre_norm(name):
    """Pre-norm, opset 13: Gemm on [batch * tokens, d], one qkv product, the first block's norms without scale."""
    draw, w, states = parameters(11), Writer(), []
    patches = (torch.randn(2, T, 5, generator=torch.Generator().manual_seed(4)) * 100).round() / 100
    flat, full = w.ints(-1, D), w.ints(-1, T, D)

    def write_norm(x, scale, shift):
        centred = w.op("Sub", x, w.op("ReduceMean", x, axes=[2]))
        variance = w.op("ReduceMean", w.op("Mul", centred, centred), axes=[-1])
        spread = w.op("Sqrt", w.op("Add", w.scalar(1e-5), variance))
        y = w.op("Mul", w.op("Reciprocal", spread), centred)
        if scale is None:
            return y
        return w.op("Add", w.weight(shift, constant=True), w.op("Mul", y, w.weight(scale, constant=True)))

    into, into_bias, position = draw(5, D), draw(D, scale=0.2), draw(1, T, D, scale=0.5)
    x = keep(states, patches @ into + into_bias + position)
    n = w.op("Gemm", w.op("Reshape", "patches", w.ints(-1, 5)), w.weight(into), w.weight(into_bias))
    n = w.op("Add", w.weight(position), w.op("Reshape", n, full))
    for block in range(2):
        scale, shift = (None, None) if block == 0 else (1 + draw(D, scale=0.2), draw(D, scale=0.2))
        qkv, bias, out, out_bias = draw(D, 3 * D), draw(3 * D, scale=0.2), draw(D, D), draw(D, scale=0.2)
        q, k, v = (heads(part) for part in (norm(x, scale, shift) @ qkv + bias).split(D, -1))
        branch = joined(torch.softmax(q @ k.transpose(2, 3), -1) @ v) @ out + out_bias
        x = keep(states, x + branch)
        m = w.op("Add", w.op("MatMul", write_norm(n, scale, shift), w.weight(qkv, constant=True)), w.weight(bias))
        parts = w.op("Split", m, w.ints(D, D, D), outputs=3, axis=2)
        split = w.ints(0, T, H, D // H)
        q, k, v = (w.op("Transpose", w.op("Reshape", part, split), perm=perm)
                   for part, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        mixed = w.op("MatMul", w.op("Softmax", w.op("MatMul", q, k), axis=3), v)
        mixed = w.op("Reshape", w.op("Transpose", mixed, perm=[0, 2, 1, 3]), flat)
        mixed = w.op("Reshape", w.op("Gemm", mixed, w.weight(out), w.weight(out_bias)), full)
        n = w.op("Add", mixed, n) if block == 0 else w.op("Sum", n, mixed)

        up, up_bias, down, down_bias = draw(F, D, scale=D**-0.5), draw(F, scale=0.2), draw(F, D), draw(D, scale=0.2)
        x = keep(states, x + torch.relu(norm(x, scale, shift) @ up.T + up_bias) @ down + down_bias)
        hidden = w.op("Reshape", write_norm(n, scale, shift), flat)
        hidden = w.op("Relu", w.op("Gemm", hidden, w.weight(up, constant=True), w.weight(up_bias), transB=1))
        hidden = w.op("Reshape", w.op("Gemm", hidden, w.weight(down), w.weight(down_bias)), full)
        n = w.op("Add", n, hidden)
    head, head_bias = draw(D, 3), draw(3, scale=0.2)
    scale, shift = 1 + draw(D, scale=0.2), draw(D, scale=0.2)
    result = norm(x, scale, shift).mean(1) @ head + head_bias
    pooled = w.op("ReduceMean", write_norm(n, scale, shift), axes=[1], keepdims=0)
    w.nodes.append(helper.make_node("Gemm", [pooled, w.weight(head), w.weight(head_bias)], ["scores"]))
    record(name, w, [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", T, 5])],
           [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])], 13, states, result,
           {"patches": patches}, "pre", "handwritten")


def post_norm(name):
    """Post-norm, opset 20: int32 ids, float mask, Gelu, fused norms mixed with norms written out, dimension n open."""
    draw, w, states = parameters(12), Writer(), []
    generator = torch.Generator().manual_seed(9)
    ids = torch.randint(0, 20, (2, T), generator=generator, dtype=torch.int32)
    present = torch.ones(2, T)
    present[1, 4:] = 0
    flat, full = w.ints(-1, D), w.ints(-1, T, D)

    def fused(x, scale, shift):
        return w.op("LayerNormalization", x, w.weight(scale), w.weight(shift), axis=2, epsilon=1e-5)

    def written(x, scale, shift):
        centred = w.op("Sub", x, w.op("ReduceMean", x, w.ints(2)))
        variance = w.op("ReduceMean", w.op("Pow", centred, w.scalar(2.0)), w.ints(-1))
        y = w.op("Div", centred, w.op("Pow", w.op("Add", variance, w.scalar(1e-5)), w.scalar(0.5)))
        return w.op("Add", w.op("Mul", w.weight(scale), y), w.weight(shift))

    table, position = draw(20, D, scale=1), draw(T, D, scale=0.5)
    scale, shift = 1 + draw(D, scale=0.2), draw(D, scale=0.2)
    x = keep(states, norm(table[ids.long()] + position, scale, shift))
    n = fused(w.op("Add", w.op("Gather", w.weight(table), "ids"), w.weight(position)), scale, shift)
    bias = ((1 - present) * -1e4)[:, None, None, :]
    mask = w.op("Mul", w.op("Sub", w.scalar(1.0), "present"), w.scalar(-1e4))
    mask = w.op("Unsqueeze", mask, w.ints(1, 2))
    for block in range(3):
        weights = [(draw(D, D), draw(D, scale=0.2)) for _ in range(4)]
        scale, shift = 1 + draw(D, scale=0.2), draw(D, scale=0.2)
        q, k, v = (heads(x @ a + b) for a, b in weights[:3])
        mixed = joined(torch.softmax(q @ k.transpose(2, 3) / (D // H) ** 0.5 + bias, -1) @ v)
        x = keep(states, norm(x + mixed @ weights[3][0] + weights[3][1], scale, shift))
        rows = w.op("Reshape", n, flat)
        split = w.ints(-1, T, H, D // H)
        q, k, v = (w.op("Transpose", w.op("Reshape", w.op("Gemm", rows, w.weight(a), w.weight(b)), split), perm=perm)
                   for (a, b), perm in zip(weights, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
        logits = w.op("Add", mask, w.op("Mul", w.op("MatMul", q, k), w.scalar((D // H) ** -0.5)))
        mixed = w.op("MatMul", w.op("Softmax", logits), v)
        mixed = w.op("Reshape", w.op("Transpose", mixed, perm=[0, 2, 1, 3]), full)
        mixed = w.op("Add", w.weight(weights[3][1]), w.op("MatMul", mixed, w.weight(weights[3][0])))
        n = (fused if block % 2 else written)(w.op("Add", n, mixed) if block else w.op("Add", mixed, n), scale, shift)

        up, up_bias, down, down_bias = draw(D, F), draw(F, scale=0.2), draw(F, D), draw(D, scale=0.2)
        scale, shift = 1 + draw(D, scale=0.2), draw(D, scale=0.2)
        x = keep(states, norm(x + torch.nn.functional.gelu(x @ up + up_bias, approximate="tanh") @ down + down_bias, scale, shift))
        hidden = w.op("Gelu", w.op("Add", w.op("MatMul", n, w.weight(up)), w.weight(up_bias)), approximate="tanh")
        hidden = w.op("Add", w.op("MatMul", hidden, w.weight(down)), w.weight(down_bias))
        n = (written if block % 2 else fused)(w.op("Add", hidden, n), scale, shift)
    w.nodes.append(helper.make_node("Identity", [n], ["last"]))
    record(name, w, [helper.make_tensor_value_info("ids", TensorProto.INT32, ["n", T]),
                           helper.make_tensor_value_info("present", TensorProto.FLOAT, ["n", T])],
           [helper.make_tensor_value_info("last", TensorProto.FLOAT, ["n", T, D])], 20, states, x,
           {"ids": ids, "present": present}, "post", "handwritten")


handwritten = {"handwritten-pre-13": pre_norm, "handwritten-post-20": post_norm}
