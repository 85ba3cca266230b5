/** Two training steps of the embedded model on the device named in the arguments, and on the CPU, as JSON on stdout. */
import { decodeSafetensors } from "../../src/formats/index.ts";
import { asFloat32, tensorOf } from "../../src/graph/index.ts";
import { openBackbone, openTask, outputNames, select, train } from "../../src/node.ts";
import type { DeviceChoice } from "../../src/runtime/index.ts";

export interface DeviceSteps {
  readonly notes: readonly string[];
  readonly losses: readonly number[];
  readonly validationLoss: number;
  /** First moments, the blended gradients, by parameter. */
  readonly moments: Readonly<Record<string, readonly number[]>>;
}

const BATCH = 2;

async function stepsOn(device: DeviceChoice): Promise<DeviceSteps> {
  const notes: string[] = [];
  const losses: number[] = [];
  const backbone = await openBackbone("builtin:vit", { device, onNote: (text) => notes.push(text) });
  const task = await openTask("count", { backbone, trainSize: 2 * BATCH, validationSize: BATCH, testSize: 1 });
  const { placement } = select("last:1", { states: backbone.states.length, defaultRank: 8 });
  const waves = (...shape: number[]) =>
    tensorOf(
      "float32",
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => Math.sin(k)),
    );
  const classes = outputNames(task.goal).length;
  let saved = new Uint8Array();
  const { validation } = await train(backbone, task, placement, {
    head: new Map([
      ["head.weight", waves(2 * backbone.hiddenSize, classes)],
      ["head.bias", waves(classes)],
    ]),
    // The first step moves the adapters off their zero, so that the second sends a gradient everywhere.
    options: { batchSize: BATCH, epochs: 1, warmup: 0, augment: false, threads: 1 },
    checkpoint: {
      load: async () => undefined,
      save: async (bytes) => {
        saved = bytes.slice();
      },
    },
    onProgress: ({ metrics }) => metrics?.loss !== undefined && losses.push(metrics.loss),
  });
  const tensors = [...decodeSafetensors(saved).tensors].filter(([name]) => name.startsWith("m/"));
  const moments = Object.fromEntries(tensors.map(([name, tensor]) => [name.slice(2), [...asFloat32(tensor)]]));
  return { notes, losses, validationLoss: validation.loss, moments };
}

const device = process.argv[2] as DeviceChoice;
process.stdout.write(JSON.stringify({ cpu: await stepsOn("cpu"), device: await stepsOn(device) }));
