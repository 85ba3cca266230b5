import { nameSeed, random } from "../base/index.ts";
import { type Selector, takeFitting } from "./selector.ts";

/** Uniform over all n² edges, without replacement: the paper's baseline. */
export const randomSelector: Selector = {
  usage: "random:3@7",
  summary: "3 edges drawn from all, with seed 7",
  counted: true,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  choose: ({ states, count, seed, fits }) => {
    const order = random(seed, nameSeed("random edges")).permutation(states * states);
    const edges = Array.from(order, (at) => ({ from: Math.floor(at / states), to: at % states }));
    return { edges: takeFitting(edges, count, fits) };
  },
};
