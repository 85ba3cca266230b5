import { drawBackground } from "../drawing/background.ts";
import { contrastingColors } from "../drawing/color.ts";
import { drawShape, type Shape } from "../drawing/shape.ts";
import { type Generator, imageSize } from "./generator.ts";

const bins = 16;
const shapes: readonly Shape[] = ["square", "ellipse", "heart"];
const largest = 7;

/**
 * How far to the right: the x of a sprite's centre in 16 bins, after dSprites (Matthey et al. 2017; VTAB's dSpr-Loc).
 * Its rules: square, ellipse or heart, scale 0.5 to 1, any orientation, any y, always wholly inside. Unlike dSprites,
 * colours and grounds vary, so that position cannot be read off single pixels.
 */
export const location: Generator = {
  title: "How far to the right is the shape?",
  classes: Array.from({ length: bins }, (_, k) => `column ${k + 1}`),
  augment: { flip: false, shift: 0 },
  noise: 8,
  open: () => (canvas, label, stream) => {
    const { figure, ground } = contrastingColors(stream, 50);
    drawBackground(canvas, ground, stream);
    const pose = {
      x: largest + ((label + stream.next()) / bins) * (imageSize - 2 * largest),
      y: stream.uniform(largest, imageSize - largest),
      radius: largest * stream.uniform(0.5, 1),
      rotation: stream.uniform(0, 2 * Math.PI),
    };
    drawShape(canvas, shapes[stream.int(shapes.length)]!, pose, figure[0]);
  },
};
