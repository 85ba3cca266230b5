"""Quantise a model the ways `onnxruntime.quantization` does: dynamically, with QDQ pairs after calibration, in 4 bits."""

import pathlib
import tempfile

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static


def between_files(model, convert):
    with tempfile.TemporaryDirectory() as folder:
        before, after = pathlib.Path(folder) / "before.onnx", pathlib.Path(folder) / "after.onnx"
        onnx.save(model, before)
        convert(before, after)
        return onnx.load(after)


def dynamic(model, record, per_channel=False):
    return between_files(model, lambda before, after: quantize_dynamic(
        before, after, weight_type=QuantType.QInt8 if per_channel else QuantType.QUInt8, per_channel=per_channel,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}))


class Inputs(CalibrationDataReader):
    def __init__(self, record):
        self.left = iter([{key: numpy.array(v["data"], v["dtype"]).reshape(v["shape"]) for key, v in record["inputs"].items()}])

    def get_next(self):
        return next(self.left, None)


def qdq(model, record, per_channel=False, kinds=None):
    """kinds: operators to quantise, default all; an additive mask of large numbers leaves no digits to what it is added to."""
    return between_files(model, lambda before, after: quantize_static(
        before, after, Inputs(record), quant_format=QuantFormat.QDQ, per_channel=per_channel,
        op_types_to_quantize=kinds, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8))


def nbits(model, record, symmetric=False, tables=False):
    """Blocks of 16 along each column; with `tables`, embedding tables too (GatherBlockQuantized)."""
    from onnxruntime.quantization import matmul_nbits_quantizer as q
    kinds = ("MatMul", "Gather") if tables else ("MatMul",)
    config = q.DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=symmetric, op_types_to_quantize=kinds,
                                            quant_axes=(("MatMul", 0), ("Gather", 1)))
    quantizer = q.MatMulNBitsQuantizer(model, algo_config=config, op_types_to_quantize=kinds)
    quantizer.process()
    return quantizer.model.model
