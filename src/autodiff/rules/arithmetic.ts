import { asNumbers, type Builder, elementCount, staticShape, type Value } from "../../graph/index.ts";
import { binary, flat, NEWEST_OPSET, sumTo, unary, type VjpCall, type VjpRule } from "../rule.ts";

/** z = x + y  ⇒  dx = dz, dy = dz */
export const Add = binary({ opset: [7, NEWEST_OPSET], dx: (_, { dz }) => dz, dy: (_, { dz }) => dz });

/** z = x − y  ⇒  dx = dz, dy = −dz */
export const Sub = binary({ opset: [7, NEWEST_OPSET], dx: (_, { dz }) => dz, dy: (g, { dz }) => g.neg(dz) });

/** z = x · y  ⇒  dx = dz · y, dy = dz · x */
export const Mul = binary({
  opset: [7, NEWEST_OPSET],
  dx: (g, { y, dz }) => g.mul(dz, y),
  dy: (g, { x, dz }) => g.mul(dz, x),
});

/** z = x / y  ⇒  dx = dz / y, dy = −z · dz / y */
export const Div = binary({
  opset: [7, NEWEST_OPSET],
  dx: (g, { y, dz }) => g.div(dz, y),
  dy: (g, { y, z, dz }) => g.neg(g.mul(g.div(dz, y), z)),
});

/** z = xʸ  ⇒  dx = dz · y · xʸ⁻¹, dy = dz · z · log x (0 where x ≤ 0, outside the domain of real exponents) */
export const Pow = binary({
  opset: [7, NEWEST_OPSET],
  dx(g, { x, y, z, dz }) {
    const known = g.constantOf(y);
    const power = known && elementCount(known.shape) === 1 ? asNumbers(known)[0] : undefined;
    if (power === 2) return g.mul(dz, g.add(x, x));
    if (power === 0.5) return g.div(dz, g.add(z, z));
    const exponent = g.cast(y, x.dtype);
    return g.mul(dz, g.mul(exponent, g.pow(x, g.sub(exponent, g.scalar(1, x.dtype)))));
  },
  dy(g, { x, z, dz }) {
    const inside = g.greater(x, g.scalar(0, x.dtype));
    return g.mul(dz, g.mul(z, g.log(g.where(inside, x, g.scalar(1, x.dtype)))));
  },
});

/** y = −x  ⇒  dx = −dy */
export const Neg = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { dy }) => g.neg(dy) });

/** y = |x|  ⇒  dx = dy · sign x */
export const Abs = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { x, dy }) => g.mul(dy, g.sign(x)) });

/** y = exp(x)  ⇒  dx = dy · y */
export const Exp = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.mul(dy, y) });

/** y = log(x)  ⇒  dx = dy / x */
export const Log = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { x, dy }) => g.div(dy, x) });

/** y = √x  ⇒  dx = dy / 2y */
export const Sqrt = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.div(dy, g.add(y, y)) });

/** y = 1/x  ⇒  dx = −dy · y² */
export const Reciprocal = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.neg(g.mul(dy, g.mul(y, y))) });

/** y = sin x  ⇒  dx = dy · cos x */
export const Sin = unary({ opset: [7, NEWEST_OPSET], vjp: (g, { x, dy }) => g.mul(dy, g.cos(x)) });

/** y = cos x  ⇒  dx = −dy · sin x */
export const Cos = unary({ opset: [7, NEWEST_OPSET], vjp: (g, { x, dy }) => g.neg(g.mul(dy, g.sin(x))) });

/** A step function  ⇒  dx = 0 */
export const Sign = flat(9);
/** A step function  ⇒  dx = 0 */
export const Floor = flat(6);
/** A step function  ⇒  dx = 0 */
export const Ceil = flat(6);
/** A step function  ⇒  dx = 0 */
export const Round = flat(11);

/** y = x₁ + … + xₙ  ⇒  dxᵢ = dy */
export const Sum: VjpRule = {
  opset: [8, NEWEST_OPSET],
  vjp: (g, { inputs, cotangents: [dy] }) => inputs.map((x) => sumTo(g, dy!, staticShape(x!))),
};

/** y = (x₁ + … + xₙ) / n  ⇒  dxᵢ = dy / n */
export const Mean: VjpRule = {
  opset: [8, NEWEST_OPSET],
  vjp(g, { inputs, cotangents: [dy] }) {
    const share = g.mul(dy!, g.scalar(1 / inputs.length, dy!.dtype));
    return inputs.map((x) => sumTo(g, share, staticShape(x!)));
  },
};

/** y = max(x₁, …, xₙ)  ⇒  dxᵢ = dy where xᵢ is the first that reaches y, else 0 */
export const Max: VjpRule = { opset: [8, NEWEST_OPSET], vjp: (g, call) => extreme(g, call, g.max, g.greater) };

/** y = min(x₁, …, xₙ)  ⇒  dxᵢ = dy where xᵢ is the first that reaches y, else 0 */
export const Min: VjpRule = { opset: [8, NEWEST_OPSET], vjp: (g, call) => extreme(g, call, g.min, g.less) };

/** Peel operands off from the last: it takes the cotangent where it beats the extreme of all before it. */
function extreme(
  g: Builder,
  { inputs, cotangents: [dy] }: VjpCall,
  join: (x: Value, y: Value) => Value,
  beats: (x: Value, y: Value) => Value,
): Value[] {
  const before = [inputs[0]!]; // the extreme of operands 0 to k
  for (const x of inputs.slice(1)) before.push(join(before.at(-1)!, x!));
  const zero = g.scalar(0, dy!.dtype);
  const terms: Value[] = [];
  let rest = dy!;
  for (let k = inputs.length - 1; k > 0; k--) {
    const wins = beats(inputs[k]!, before[k - 1]!);
    terms[k] = sumTo(g, g.where(wins, rest, zero), staticShape(inputs[k]!));
    rest = g.where(wins, zero, rest);
  }
  terms[0] = sumTo(g, rest, staticShape(inputs[0]!));
  return terms;
}

/** z = x where c, else y  ⇒  dx = dz where c, else 0; dy = 0 where c, else dz */
export const Where: VjpRule = {
  opset: [9, NEWEST_OPSET],
  vjp(g, { inputs: [c, x, y], cotangents: [dz], wanted }) {
    const zero = g.scalar(0, dz!.dtype);
    return [
      undefined,
      wanted[1] ? sumTo(g, g.where(c!, dz!, zero), staticShape(x!)) : undefined,
      wanted[2] ? sumTo(g, g.where(c!, zero, dz!), staticShape(y!)) : undefined,
    ];
  },
};

/** y = x in another type  ⇒  dx = dy in x's type; where whole numbers stand for x (quantised), in y's */
export const Cast = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { x, dy }) => (/float/.test(x.dtype) ? g.cast(dy, x.dtype) : dy),
});
