import { attribute, type Builder, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, product, range, sumTo, unsupported, type VjpRule } from "../rule.ts";

/** z = x · y over the last two axes, leading axes broadcast  ⇒  dx = dz · yᵀ, dy = xᵀ · dz */
export const MatMul: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { inputs: [x, y], cotangents: [dz], wanted }) {
    const [xShape, yShape] = [staticShape(x!), staticShape(y!)];
    // A vector operand is a matrix with one row (or column).
    const xm = xShape.length === 1 ? g.reshape(x!, [1, ...xShape]) : x!;
    const ym = yShape.length === 1 ? g.reshape(y!, [...yShape, 1]) : y!;
    const [rows, columns] = [staticShape(xm).at(-2)!, staticShape(ym).at(-1)!];
    const flat = staticShape(dz!);
    const batch = flat.slice(0, flat.length - Number(xShape.length > 1) - Number(yShape.length > 1));
    const dzm = g.reshape(dz!, [...batch, rows, columns]);
    const dx = () => sumTo(g, g.matmul(dzm, swapLast(g, ym)), staticShape(xm));
    // One matrix y for the whole batch: its gradient is one product over all rows.
    const dy = () =>
      staticShape(xm).length > 2 && staticShape(ym).length === 2
        ? g.matmul(flippedRows(g, xm, columns), asRows(g, dzm))
        : sumTo(g, g.matmul(swapLast(g, xm), dzm), staticShape(ym));
    return [wanted[0] ? g.reshape(dx(), xShape) : undefined, wanted[1] ? g.reshape(dy(), yShape) : undefined];
  },
};

/** [..., n] as [rows, n] */
function asRows(g: Builder, x: Value): Value {
  const shape = staticShape(x);
  return g.reshape(x, [product(shape.slice(0, -1)), shape.at(-1)!]);
}

/** From so many columns on a product takes longer than the transposition of its other factor. */
const WIDE = 512;

/** Bytes after which the addresses of a first-level cache's sets begin anew. */
const CACHE_PERIOD = 4096;

/**
 * x [..., n] as [n, rows], to be multiplied by [rows, columns]. ONNX Runtime joins a transposition that a product reads with the
 * product, which then transposes once for every 128 columns: a wide product is 1.1 times as fast behind one that it cannot see for the
 * reshape between (one thread and two, AMD EPYC). Not where the rows of the result lie a multiple of a cache's period apart.
 */
function flippedRows(g: Builder, x: Value, columns: number): Value {
  const shape = staticShape(x);
  const rows = product(shape.slice(0, -1));
  if (columns < WIDE || (4 * rows) % CACHE_PERIOD === 0) return g.transpose(asRows(g, x), [1, 0]);
  const last = shape.length - 1;
  return g.reshape(g.transpose(x, [last, ...range(last)]), [shape.at(-1)!, rows]);
}

function swapLast(g: Builder, x: Value): Value {
  const axes = range(staticShape(x).length);
  const last = axes.length - 1;
  return g.transpose(x, [...axes.slice(0, -2), last, last - 1]);
}

/** z = α·A'B' + β·C, A' and B' transposed on request  ⇒  dA' = α·dz·B'ᵀ, dB' = α·A'ᵀ·dz, dC = β·dz */
export const Gemm: VjpRule = {
  opset: [7, NEWEST_OPSET],
  vjp(g, { node, inputs: [a, b, c], cotangents: [dz], wanted }) {
    const scaled = (x: Value, factor: number) => (factor === 1 ? x : g.mul(x, g.scalar(factor, x.dtype)));
    const flip = (x: Value) => g.transpose(x, [1, 0]);
    const transA = attribute(node, "transA", "int", 0) === 1;
    const transB = attribute(node, "transB", "int", 0) === 1;
    const d = scaled(dz!, attribute(node, "alpha", "float", 1));
    const [da, db] = [() => g.matmul(d, transB ? b! : flip(b!)), () => g.matmul(transA ? a! : flip(a!), d)];
    return [
      wanted[0] ? (transA ? flip(da()) : da()) : undefined,
      wanted[1] ? (transB ? flip(db()) : db()) : undefined,
      c && wanted[2] ? sumTo(g, scaled(dz!, attribute(node, "beta", "float", 1)), staticShape(c)) : undefined,
    ];
  },
};

/**
 * y = Σ Π xₖ in index notation  ⇒  dxₖ = the same sum with dy in xₖ's place, its indices for the result's; an index
 * that only xₖ has was summed away on its own: the gradient is repeated along it
 */
export const Einsum: VjpRule = {
  opset: [12, NEWEST_OPSET],
  vjp(g, { node, inputs, cotangents: [dy], wanted }) {
    const equation = attribute(node, "equation", "string").replaceAll(" ", "");
    const [left, right] = equation.split("->") as [string, string?];
    const terms = left.split(",");
    const repeats = (term: string) => new Set(term).size < term.length;
    if (equation.includes(".") || terms.some(repeats)) throw unsupported(node, `with the equation "${equation}"`);
    const result = right ?? implicitResult(terms);
    return terms.map((term, k) => {
      if (!wanted[k]) return undefined;
      const others = terms.flatMap((other, n) => (n === k ? [] : [{ term: other, value: inputs[n]! }]));
      const known = [...term].filter((index) => [result, ...others.map((o) => o.term)].join("").includes(index));
      const form = `${[result, ...others.map((o) => o.term)].join(",")}->${known.join("")}`;
      const values = [dy!, ...others.map((o) => o.value)];
      const sum = g.op("Einsum", values, { equation: { type: "string", value: form } });
      const shape = staticShape(inputs[k]!);
      const kept = shape.map((dim, axis) => (known.includes(term[axis]!) ? dim : 1));
      return g.expand(g.reshape(sum, kept), shape);
    });
  },
};

/** Without an arrow the result has the indices that occur once, in alphabetical order. */
function implicitResult(terms: readonly string[]): string {
  const all = [...terms.join("")];
  return all
    .filter((index) => all.indexOf(index) === all.lastIndexOf(index))
    .sort()
    .join("");
}
