import { markdownTable, type Table } from "../report/index.ts";
import type { Measurement } from "./measure.ts";
import { type CurvePoint, EMBEDDED_VIT, type PretrainingSettings } from "./pretrain.ts";

export interface ModelCard {
  readonly settings: PretrainingSettings;
  readonly curve: readonly CurvePoint[];
  readonly classes: number;
  readonly measurements: readonly Measurement[];
  readonly command: string;
}

/** The embedded model's card, markdown: what it is, how it was made, what it is good for, in figures. */
export function modelCard({ settings, curve, classes, measurements, command }: ModelCard): string {
  const { imageSize, patchSize, hiddenSize, blocks, heads, mlpSize } = EMBEDDED_VIT;
  const last = curve.at(-1);
  return `# The embedded vision transformer

\`builtin:vit\`, the file \`vit.onnx\` beside this card: a small pre-norm vision transformer that graft pre-trained itself,
with its own step graph, so that every command works at once and every study fits a laptop. It is made for comparing
placements, not for telling cats from dogs.

- **Architecture**: ${blocks} blocks (${2 * blocks + 1} hidden states), width ${hiddenSize}, ${heads} heads, MLP ${mlpSize}, pictures ${imageSize} × ${imageSize}, patches ${patchSize} × ${patchSize} and a class token
  (${(imageSize / patchSize) ** 2 + 1} tokens). Input \`pixel_values\` [batch, 3, ${imageSize}, ${imageSize}] scaled to −1..1; output \`last_hidden_state\` after the final norm.
- **Data**: pictures drawn on the fly, never twice: ${classes / 2} fractals (iterated function systems) and ${classes / 2} VisualAtom shapes
  as classes, 8 sprites each, on solid, gradient, noise and stripe grounds in contrasting colours.
- **Views**: rotation ±0.8 rad, size 0.6 to 1.1 of the picture, shifts, two random colours.
- **Training**: ${last?.step ?? 0} steps of ${settings.batchSize} (${millions(last?.images ?? 0)} M pictures), AdamW ${settings.learningRate} with β₂ 0.98, weight decay 0.05, clipping at 1,
  label smoothing ${settings.labelSmoothing}, ${settings.warmupSteps} steps of warm-up, a plateau, and a linear fall over the last ${settings.decaySteps} steps.
  A linear head on [class token ‖ mean of patches] told the ${classes} classes apart; it is not part of the file.
- **Seed** ${settings.seed}. **Command**: \`${command}\` (resumes from its checkpoint; equal bits on one machine with equal threads).
- **Licence**: Apache-2.0, like the code; no picture of anybody's went in.

## Loss curve

Accuracy is on pictures the net sees for the first time. All points: \`vit.curve.jsonl\`.

${markdownTable(curveTable(curve))}
## What pre-training is worth

Test accuracy in %, seed ${measurements[0]?.seed ?? 0}, ${measurements[0]?.epochs ?? 4} epochs of 4,000 pictures, 2,000 test pictures: a linear head on frozen features, and a rank-8
adapter parallel to every sub-layer, on this net and on the same net with its random start.

${markdownTable(measurementTable(measurements))}`;
}

const right = (title: string) => ({ title, align: "right" }) as const;
const millions = (count: number) => (count / 1e6).toFixed(2);

/** About twelve points, evenly spaced, the last one among them. */
function curveTable(curve: readonly CurvePoint[]): Table {
  const stride = Math.max(1, Math.floor(curve.length / 12));
  const points = curve.filter((_, k) => (curve.length - 1 - k) % stride === 0);
  return {
    columns: ["steps", "pictures (M)", "loss", "accuracy (%)"].map(right),
    rows: points.map(({ step, images, loss, accuracy }) => [
      String(step),
      millions(images),
      loss.toFixed(3),
      (100 * accuracy).toFixed(1),
    ]),
  };
}

function measurementTable(measurements: readonly Measurement[]): Table {
  const tasks = [...new Set(measurements.map(({ task }) => task))];
  const cell = (task: string, net: Measurement["net"], key: "linearHead" | "adapters") => {
    const found = measurements.find((each) => each.task === task && each.net === net);
    return found ? (100 * found[key]).toFixed(1) : "";
  };
  return {
    columns: [
      { title: "task" },
      right("linear head"),
      right("linear head, random weights"),
      right("24 adapters"),
      right("24 adapters, random weights"),
    ],
    rows: tasks.map((task) => [
      task,
      cell(task, "pre-trained", "linearHead"),
      cell(task, "random weights", "linearHead"),
      cell(task, "pre-trained", "adapters"),
      cell(task, "random weights", "adapters"),
    ]),
  };
}
