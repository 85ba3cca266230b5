import { attribute } from "../attributes.ts";
import { positionsAlong } from "./attend.ts";
import { type Rewrite, unsupportedForm } from "./rewrite.ts";

/** s = word + position + segment rows, then their layer norm; the number of ones in each example's mask; s */
export const EmbedLayerNormalization: Rewrite = (g, { node, inputs }) => {
  const [ids, segments, words, positionTable, segmentTable, gamma, beta, mask, positions] = inputs;
  const places = positions ?? positionsAlong(g, ids!, 1);
  const rows = g.add(g.gather(words!, ids!, 0), g.gather(positionTable!, places, 0));
  if (segments && !segmentTable) throw unsupportedForm(node, "with segments and no table for them");
  const sum = segments ? g.add(rows, g.gather(segmentTable!, segments, 0)) : rows;
  const normed = g.layerNorm(sum, gamma!, beta, attribute(node, "epsilon", "float", 1e-12));
  if (!node.outputs[1]) return [normed, undefined, sum];
  const counted = mask
    ? g.cast(g.equal(mask, g.scalar(1, "int32")), "int32")
    : g.mul(g.cast(ids!, "int32"), g.scalar(0, "int32"));
  return [normed, g.reduceSum(counted, [1], false), sum];
};
