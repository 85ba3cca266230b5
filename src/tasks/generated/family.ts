import { random } from "../../base/index.ts";
import { type Concept, createConcepts } from "../concepts/concepts.ts";
import { drawBackground } from "../drawing/background.ts";
import { contrastingColors } from "../drawing/color.ts";
import { drawSprite } from "../drawing/sprite.ts";
import { type Generator, imageSize } from "./generator.ts";

const families = 10;
const perKind = 6; // fractals, and as many atoms, in each family
const perKindInAll = families * perKind;

/** Made once, in about a second: they depend on nothing. */
let concepts: Concept[] | undefined;

/**
 * To which family a concept of pre-training belongs. A family is twelve concepts put together at random (six fractals,
 * six visual atoms), so nothing that early layers see is common to it: a net has to know the concepts, as the last
 * blocks of the embedded backbone do, and to learn which go together. The rendering is one that pre-training never
 * shows: silhouettes, small, turned by more than 0.8 rad; in the rendering it knows, a linear head solves the task.
 */
export const family: Generator = {
  title: "To which family does the figure belong?",
  classes: Array.from({ length: families }, (_, k) => `family ${k + 1}`),
  augment: { flip: false, shift: 2 },
  noise: 8,
  open: () => {
    concepts ??= createConcepts({ fractals: perKindInAll, atoms: perKindInAll });
    const known = concepts;
    const [fractals, atoms] = [random(1, 0).permutation(perKindInAll), random(1, 1).permutation(perKindInAll)];
    return (canvas, label, stream) => {
      const member = label * perKind + stream.int(perKind);
      const concept = stream.next() < 0.5 ? known[fractals[member]!]! : known[perKindInAll + atoms[member]!]!;
      const { figure, ground } = contrastingColors(stream, 60);
      drawBackground(canvas, ground, stream);
      const sign = stream.next() < 0.5 ? -1 : 1;
      const pose = {
        x: imageSize / 2 + stream.uniform(-4, 4),
        y: imageSize / 2 + stream.uniform(-4, 4),
        side: imageSize * stream.uniform(0.5, 0.75),
        rotation: sign * stream.uniform(0.8, Math.PI),
      };
      drawSprite(canvas, concept.variants[stream.int(concept.variants.length)]!, [figure[0], figure[0]], pose);
    };
  },
};
