import { attribute, type Builder, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, product, range, sumTo, type VjpRule } from "../rule.ts";

/** z = x · y over the last two axes, leading axes broadcast  ⇒  dx = dz · yᵀ, dy = xᵀ · dz */
export const MatMul: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { inputs: [x, y], cotangents: [dz] }) {
    const [xShape, yShape] = [staticShape(x!), staticShape(y!)];
    if (xShape.length > 2 && yShape.length === 2) return sharedMatrix(g, x!, y!, dz!);
    // A vector operand is a matrix with one row (or column).
    const xm = xShape.length === 1 ? g.reshape(x!, [1, ...xShape]) : x!;
    const ym = yShape.length === 1 ? g.reshape(y!, [...yShape, 1]) : y!;
    const [xRank, yRank] = [staticShape(xm), staticShape(ym)];
    const lead = staticShape(dz!).slice(
      0,
      staticShape(dz!).length - Number(xShape.length > 1) - Number(yShape.length > 1),
    );
    const dzm = g.reshape(dz!, [...lead, xRank.at(-2)!, yRank.at(-1)!]);
    const dx = sumTo(g, g.matmul(dzm, swapLast(g, ym)), staticShape(xm));
    const dy = sumTo(g, g.matmul(swapLast(g, xm), dzm), staticShape(ym));
    return [g.reshape(dx, xShape), g.reshape(dy, yShape)];
  },
};

/** x: [..., m, k] times one matrix y: [k, n] for the whole batch: dy is one product over all rows. */
function sharedMatrix(g: Builder, x: Value, y: Value, dz: Value): readonly Value[] {
  const [k, n] = staticShape(y) as [number, number];
  const rows = product(staticShape(x)) / k;
  const dy = g.matmul(g.transpose(g.reshape(x, [rows, k]), [1, 0]), g.reshape(dz, [rows, n]));
  return [g.matmul(dz, g.transpose(y, [1, 0])), dy];
}

function swapLast(g: Builder, x: Value): Value {
  const axes = range(staticShape(x).length);
  const last = axes.length - 1;
  return g.transpose(x, [...axes.slice(0, -2), last, last - 1]);
}

/** z = α·A'B' + β·C, A' and B' transposed on request  ⇒  dA' = α·dz·B'ᵀ, dB' = α·A'ᵀ·dz, dC = β·dz */
export const Gemm: VjpRule = {
  opset: [7, NEWEST_OPSET],
  vjp(g, { node, inputs: [a, b, c], cotangents: [dz] }) {
    const scaled = (x: Value, factor: number) => (factor === 1 ? x : g.mul(x, g.scalar(factor, x.dtype)));
    const flip = (x: Value) => g.transpose(x, [1, 0]);
    const transA = attribute(node, "transA", "int", 0) === 1;
    const transB = attribute(node, "transB", "int", 0) === 1;
    const d = scaled(dz!, attribute(node, "alpha", "float", 1));
    const da = g.matmul(d, transB ? b! : flip(b!));
    const db = g.matmul(transA ? a! : flip(a!), d);
    const dc = c && sumTo(g, scaled(dz!, attribute(node, "beta", "float", 1)), staticShape(c));
    return [transA ? flip(da) : da, transB ? flip(db) : db, dc];
  },
};
