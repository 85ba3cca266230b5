import { markdownTable, type Table } from "../report/index.ts";
import type { Measurement } from "./measure.ts";
import type { PretrainingPhase } from "./phases.ts";
import { type CurvePoint, EMBEDDED_VIT, type PretrainingSettings } from "./pretrain.ts";

export interface ModelCard {
  /** What holds in every phase. */
  readonly recipe: Omit<PretrainingSettings, "totalSteps" | "decaySteps" | "threads">;
  readonly phases: readonly PretrainingPhase[];
  /** The training curve of each phase. */
  readonly curves: readonly (readonly CurvePoint[])[];
  readonly measurements: readonly Measurement[];
}

/** The embedded model's card, markdown: what it is, how it was made, what it is good for, in figures. */
export function modelCard({ recipe, phases, curves, measurements }: ModelCard): string {
  const { imageSize, patchSize, hiddenSize, blocks, heads, mlpSize } = EMBEDDED_VIT;
  const images = curves.reduce((sum, curve) => sum + (curve.at(-1)?.images ?? 0), 0);
  return `# The embedded vision transformer

\`builtin:vit\`, the file \`vit.onnx\` beside this card: a small pre-norm vision transformer that graft pre-trained itself,
with its own step graph, so that every command works at once and every study fits a laptop. It is made for comparing
placements, not for telling cats from dogs.

- **Architecture**: ${blocks} blocks (${2 * blocks + 1} hidden states), width ${hiddenSize}, ${heads} heads, MLP ${mlpSize}, pictures ${imageSize} × ${imageSize}, patches ${patchSize} × ${patchSize} and a class token
  (${(imageSize / patchSize) ** 2 + 1} tokens). Input \`pixel_values\` [batch, 3, ${imageSize}, ${imageSize}] scaled to −1..1; output \`last_hidden_state\` after the final norm.
- **Data**: ${millions(images)} M pictures drawn on the fly, never twice: fractals (iterated function systems) and VisualAtom shapes
  as classes, 8 sprites each, on solid, gradient, noise and stripe grounds in contrasting colours.
- **Views**: rotation ±0.8 rad, size 0.6 to 1.1 of the picture (0.3 to 0.55 where there are several), shifts, two random colours.
${phases.map((phase, k) => phaseLine(phase, k + 1, recipe.batchSize)).join("\n")}
- **Training**: AdamW ${recipe.learningRate} with β₂ 0.98, weight decay 0.05, clipping at 1, label smoothing ${recipe.labelSmoothing}; in each phase ${recipe.warmupSteps} steps of warm-up,
  a plateau and a linear fall to 0. A linear head on [class token ‖ mean of patches], new in each phase, told the classes apart
  (shares, where a picture shows several); it is not part of the file.
- **Seed** ${recipe.seed}. **Command**: \`npm run pretrain\` (resumes from its checkpoint; equal bits on one machine with equal threads).
- **Licence**: Apache-2.0, like the code; no picture of anybody's went in.

## Loss curve

Accuracy is on pictures the net sees for the first time: the highest logit belongs to something shown. All points:
\`vit.curve.jsonl\`.

${markdownTable(curveTable(curves))}
## What pre-training is worth

Test accuracy in %, seed ${measurements[0]?.seed ?? 0}, ${measurements[0]?.epochs ?? 4} epochs of 4,000 pictures, 2,000 test pictures: a linear head on frozen features, and a rank-8
adapter parallel to every sub-layer, on this net and on the same net with its random start.

${markdownTable(measurementTable(measurements))}`;
}

const right = (title: string) => ({ title, align: "right" }) as const;
const millions = (count: number) => (count / 1e6).toFixed(2);

function phaseLine({ data, totalSteps, decaySteps }: PretrainingPhase, number: number, batchSize: number): string {
  const { fractalClasses, atomClasses, maxObjects } = data;
  const objects =
    maxObjects === 1 ? "one object a picture" : `one object in half of the pictures, 2 to ${maxObjects} in the others`;
  return `- **Phase ${number}**: ${totalSteps} steps of ${batchSize}, the last ${decaySteps} with a falling rate; ${fractalClasses} fractals and ${atomClasses} shapes, ${objects}.`;
}

/** About eight points a phase, evenly spaced, the last one among them. */
function curveTable(curves: readonly (readonly CurvePoint[])[]): Table {
  const rows = curves.flatMap((curve, k) => {
    const stride = Math.max(1, Math.floor(curve.length / 8));
    return curve
      .filter((_, at) => (curve.length - 1 - at) % stride === 0)
      .map(({ step, images, loss, accuracy }) => [
        String(k + 1),
        String(step),
        millions(images),
        loss.toFixed(3),
        (100 * accuracy).toFixed(1),
      ]);
  });
  return { columns: ["phase", "steps", "pictures (M)", "loss", "accuracy (%)"].map(right), rows };
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
