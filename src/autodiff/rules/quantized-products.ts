import {
  attribute,
  type Builder,
  type Node,
  type Tensor,
  tensorOf,
  tensorValues,
  type Value,
} from "../../graph/index.ts";
import { NEWEST_OPSET, refuseFrom, unsupported, type VjpRule } from "../rule.ts";
import { dequantized, productVjp } from "./quantized.ts";

/** z = (a − zero)sₐ · (b − zero)s_b + c  ⇒  da = dz · ((b − zero)s_b)ᵀ · sₐ, db = ((a − zero)sₐ)ᵀ · dz · s_b */
export const MatMulIntegerToFloat: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { node, inputs: [a, b, aScale, bScale, aZero, bZero], outputs, cotangents, wanted }) {
    refuseFrom(2, node, wanted);
    const [da, db] = productVjp(g, {
      ...{ node, outputs, cotangents, wanted },
      a: { value: a!, scale: aScale!, zero: aZero, axis: -2 },
      b: { value: b!, scale: bScale!, zero: bZero, axis: -1 },
    });
    return [da && g.mul(da, aScale!), db && g.mul(db, bScale!)];
  },
};

/** z ≈ x · (b − zero)s + c, x quantised on the way  ⇒  dx = dz · ((b − zero)s)ᵀ */
export const DynamicQuantizeMatMul: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, b, scale, zero], outputs, cotangents, wanted }) {
    refuseFrom(1, node, wanted);
    return productVjp(g, {
      ...{ node, outputs, cotangents, wanted },
      a: { value: x!, scale: scale!, zero: undefined, axis: -2 },
      b: { value: b!, scale: scale!, zero, axis: -1 },
    });
  },
};

/** z = x · Wᵀ + c, W in blocks of 2, 4 or 8 bits with a scale each  ⇒  dx = dz · W */
export const MatMulNBits: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { node, inputs: [, b, scales, zeros, order], cotangents: [dz], wanted }) {
    refuseFrom(1, node, wanted);
    if (order) throw unsupported(node, "with columns in another order (g_idx)");
    if (attribute(node, "weight_prepacked", "int", 0) !== 0)
      throw unsupported(node, "with weights packed for one device");
    return [g.matmul(dz!, blockWeights(g, node, b!, scales!, zeros))];
  },
};

/** W, [N, K], from its blocks along K; unpacked to a byte for each number, and to floating point only when run. */
function blockWeights(g: Builder, node: Node, packed: Value, scales: Value, zeros: Value | undefined): Value {
  const size = (name: string) => attribute(node, name, "int");
  const [rows, columns, block, bits] = [size("N"), size("K"), size("block_size"), attribute(node, "bits", "int", 4)];
  const blocks = Math.ceil(columns / block);
  const wholeZeros = zeros?.dtype === "uint8";
  const frozen = (value: Value) => {
    const tensor = g.constantOf(value);
    if (!tensor) throw unsupported(node, `with computed weights ("${value.name}")`);
    return tensor;
  };
  const once = (of: Value, make: (tensor: Tensor) => Tensor): Value => {
    const name = `graft/unpacked/${of.name}`;
    return g.has(name) ? g.value(name) : g.constant(make(frozen(of)), name);
  };
  const weights = once(packed, (tensor) =>
    tensorOf("uint8", [rows * blocks, block], unpack(tensor, bits, rows * blocks, block)),
  );
  const zero = wholeZeros
    ? once(zeros, (tensor) => tensorOf("uint8", [rows * blocks], unpack(tensor, bits, rows, blocks)))
    : g.filled([rows * blocks], zeros ? 0 : 2 ** (bits - 1), "uint8");
  const scale = g.reshape(scales, [rows * blocks]);
  const whole = dequantized(g, node, { value: weights, scale, zero, axis: 0 });
  const shift = zeros && !wholeZeros ? g.mul(g.reshape(zeros, [rows * blocks]), scale) : undefined;
  const shifted = shift ? g.sub(whole, g.unsqueeze(shift, [1])) : whole;
  const matrix = g.reshape(shifted, [rows, blocks * block]);
  return blocks * block === columns ? matrix : g.slice(matrix, 1, 0, columns);
}

/** Numbers of a few bits, lowest first in each byte; each row starts with a byte of its own. */
function unpack(tensor: Tensor, bits: number, rows: number, columns: number): Uint8Array {
  const bytes = tensorValues(tensor) as Uint8Array;
  const [perByte, mask] = [8 / bits, 2 ** bits - 1];
  const stride = Math.ceil(columns / perByte);
  const numbers = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < columns; k++)
      numbers[row * columns + k] = (bytes[row * stride + Math.floor(k / perByte)]! >> (bits * (k % perByte))) & mask;
  return numbers;
}
