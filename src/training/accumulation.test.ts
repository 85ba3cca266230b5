import { expect, test } from "vitest";
import { relativeError } from "../../test/support/tiny-runs.ts";
import { decodeSafetensors } from "../formats/index.ts";
import { asFloat32 } from "../graph/index.ts";
import { openBackbone, openTask, select, train } from "../node.ts";
import { planMemory } from "./index.ts";

const backbone = await openBackbone();
// A batch of 16 in parts of 5: 5, 5, 5 and 1; the last batch, of 4, in one part.
const task = await openTask("count", { backbone, trainSize: 20, validationSize: 8, testSize: 1 });
const { placement } = select("last:2", { states: backbone.states.length, defaultRank: 4 });

async function trained(microBatch: number | undefined) {
  const losses: number[] = [];
  let saved = new Uint8Array();
  await train(backbone, task, placement, {
    options: { epochs: 2, batchSize: 16, microBatch, classWeights: "balanced", threads: 1 },
    checkpoint: {
      load: async () => undefined,
      save: async (bytes) => {
        saved = bytes.slice();
      },
    },
    onProgress: ({ phase, metrics }) => phase === "train" && losses.push(metrics!.loss!),
  });
  const moments = [...decodeSafetensors(saved).tensors].filter(([name]) => name.startsWith("m/"));
  return { losses, moments: moments.flatMap(([, tensor]) => [...asFloat32(tensor)]) };
}

test("gradients added up over parts of a batch are the batch's, but for rounding", async () => {
  const [whole, parts] = [await trained(undefined), await trained(5)];
  expect(parts.losses).toHaveLength(4);
  expect(relativeError(parts.losses, whole.losses)).toBeLessThan(1e-5);
  expect(relativeError(parts.moments, whole.moments)).toBeLessThan(1e-3);
  expect(parts.moments).not.toEqual(whole.moments);
});

test("parts take less memory", async () => {
  const method = { kind: "adapters", placement, adapter: {} } as const;
  const [whole, parts] = [{ batchSize: 16 }, { batchSize: 16, microBatch: 4 }];
  const activations = async (options: object) => (await planMemory(backbone, task, method, options)).activations;
  expect(await activations(parts)).toBeLessThan(0.6 * (await activations(whole)));
});
