import { drawBackground } from "../drawing/background.ts";
import { contrastingColors } from "../drawing/color.ts";
import { drawShape, type Shape } from "../drawing/shape.ts";
import { type Generator, imageSize } from "./generator.ts";

const shapes: readonly Shape[] = ["circle", "square", "triangle", "heart", "star", "cross", "ring", "drop"];

/**
 * Which of four shapes differs from the three others, each in its own quarter of the picture. Colour, size and
 * orientation vary from shape to shape, so only what a shape is tells; any two kinds meet, so no kind is odd by itself.
 */
export const oddOneOut: Generator = {
  title: "Which of the four shapes is the odd one out?",
  classes: ["upper left", "upper right", "lower left", "lower right"],
  augment: { flip: false, shift: 1 },
  noise: 6,
  open: () => (canvas, label, stream) => {
    const { figure, ground } = contrastingColors(stream, 60);
    drawBackground(canvas, ground, stream);
    const [common, odd] = stream.permutation(shapes.length);
    for (let quarter = 0; quarter < 4; quarter++) {
      const radius = stream.uniform(5, 7);
      const room = imageSize / 4 - radius - 0.5;
      const pose = {
        x: (imageSize / 4) * (1 + 2 * (quarter % 2)) + stream.uniform(-room, room),
        y: (imageSize / 4) * (1 + 2 * Math.floor(quarter / 2)) + stream.uniform(-room, room),
        radius,
        rotation: stream.uniform(0, 2 * Math.PI),
      };
      drawShape(canvas, shapes[(quarter === label ? odd : common)!]!, pose, figure[stream.int(2)]!);
    }
  },
};
