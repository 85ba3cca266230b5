import { attribute, staticShape } from "../../graph/index.ts";
import { NEWEST_OPSET, range, sumTo, type VjpRule, wrapAxis } from "../rule.ts";

/**
 * x̂ = (x − μ) / σ over the axes from `axis` on, y = x̂ · γ + β, σ = √(var + ε)
 *   ⇒  with h = dy · γ:  dx = (h − mean(h) − x̂ · mean(h · x̂)) / σ,  dγ = Σ dy · x̂,  dβ = Σ dy
 *
 * x̂ and σ are computed afresh from x: the operator's optional outputs (mean, 1/σ) are not written by every exporter.
 */
export const LayerNormalization: VjpRule = {
  opset: [17, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, gamma, beta], cotangents: [dy] }) {
    const rank = staticShape(x!).length;
    const axes = range(rank).slice(wrapAxis(attribute(node, "axis", "int", -1), rank));
    const epsilon = g.scalar(attribute(node, "epsilon", "float", 1e-5), x!.dtype);
    const centred = g.sub(x!, g.reduceMean(x!, axes));
    const variance = g.reduceMean(g.mul(centred, centred), axes);
    const inverse = g.reciprocal(g.sqrt(g.add(variance, epsilon)));
    const normed = g.mul(centred, inverse);
    const h = g.mul(dy!, gamma!);
    const spread = g.mul(normed, g.reduceMean(g.mul(h, normed), axes));
    const dx = g.mul(g.sub(g.sub(h, g.reduceMean(h, axes)), spread), inverse);
    return [dx, sumTo(g, g.mul(dy!, normed), staticShape(gamma!)), beta && sumTo(g, dy!, staticShape(beta))];
  },
};
