import { drawBackground } from "../drawing/background.ts";
import { contrastingColors } from "../drawing/color.ts";
import { drawShape, type Shape } from "../drawing/shape.ts";
import { type Generator, imageSize } from "./generator.ts";

const bins = 16;
const shapes: readonly Shape[] = ["heart", "drop", "ell"];
const largest = 9;

/**
 * Which way it points: the orientation of a sprite over the full turn in 16 bins, after dSprites (VTAB's dSpr-Orient).
 * dSprites' square and ellipse look the same at several of its orientations, which caps what can be learnt; the shapes
 * here (heart, drop, L) come back to themselves only after a full turn. Position and scale vary.
 */
export const orientation: Generator = {
  title: "Which way does the shape point?",
  classes: Array.from({ length: bins }, (_, k) => `${k * 22.5} to ${(k + 1) * 22.5} degrees`),
  augment: { flip: false, shift: 2 },
  noise: 8,
  open: () => (canvas, label, stream) => {
    const { figure, ground } = contrastingColors(stream, 60);
    drawBackground(canvas, ground, stream);
    const pose = {
      x: stream.uniform(largest + 1, imageSize - largest - 1),
      y: stream.uniform(largest + 1, imageSize - largest - 1),
      radius: largest * stream.uniform(0.6, 1),
      rotation: ((label + stream.next()) / bins) * 2 * Math.PI,
    };
    drawShape(canvas, shapes[stream.int(shapes.length)]!, pose, figure[0]);
  },
};
