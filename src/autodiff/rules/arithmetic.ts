import { binary, NEWEST_OPSET, unary } from "../rule.ts";

/** z = x + y  ⇒  dx = dz, dy = dz */
export const Add = binary({ opset: [7, NEWEST_OPSET], vjp: (_, { dz }) => [dz, dz] });

/** z = x − y  ⇒  dx = dz, dy = −dz */
export const Sub = binary({ opset: [7, NEWEST_OPSET], vjp: (g, { dz }) => [dz, g.neg(dz)] });

/** z = x · y  ⇒  dx = dz · y, dy = dz · x */
export const Mul = binary({ opset: [7, NEWEST_OPSET], vjp: (g, { x, y, dz }) => [g.mul(dz, y), g.mul(dz, x)] });

/** z = x / y  ⇒  dx = dz / y, dy = −dz · z / y */
export const Div = binary({
  opset: [7, NEWEST_OPSET],
  vjp: (g, { y, z, dz }) => {
    const dx = g.div(dz, y);
    return [dx, g.neg(g.mul(dx, z))];
  },
});

/** y = −x  ⇒  dx = −dy */
export const Neg = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { dy }) => g.neg(dy) });

/** y = exp(x)  ⇒  dx = dy · y */
export const Exp = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.mul(dy, y) });

/** y = log(x)  ⇒  dx = dy / x */
export const Log = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { x, dy }) => g.div(dy, x) });

/** y = √x  ⇒  dx = dy / 2y */
export const Sqrt = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.div(dy, g.add(y, y)) });

/** y = 1/x  ⇒  dx = −dy · y² */
export const Reciprocal = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.neg(g.mul(dy, g.mul(y, y))) });
