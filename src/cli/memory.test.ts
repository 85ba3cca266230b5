import { expect, test, vi } from "vitest";
import { openBackbone, openTask, select, TrainOptions } from "../node.ts";
import { type BegunSettings, begunSettings } from "./begun-settings.ts";
import { autoBatch, fitMemory } from "./memory.ts";

const backbone = await openBackbone();
const task = await openTask("count", { backbone, trainSize: 64, validationSize: 8, testSize: 1 });
const { placement } = select("all:parallel", { states: backbone.states.length, defaultRank: 8 });

async function fitted(available: number, begun?: BegunSettings) {
  const free = vi.spyOn(process, "availableMemory").mockReturnValue(available);
  const notes: string[] = [];
  const context = { signal: new AbortController().signal, note: (text: string) => notes.push(text), line: () => {} };
  const method = { kind: "adapters", placement, adapter: {} } as const;
  const options = await fitMemory(context, backbone, task, method, TrainOptions.parse({ batchSize: 64 }), begun);
  free.mockRestore();
  return { microBatch: options.microBatch, recompute: options.recompute, notes };
}

test("a batch that fits is left alone", async () => {
  const { microBatch, notes } = await fitted(8e9);
  expect(microBatch).toBeUndefined();
  expect(notes).toEqual([
    expect.stringMatching(/^at most some \d+ MB of memory by plan: \d+ MB in use, weights \d+ MB/),
  ]);
});

test("a batch that does not fit is computed in parts, and that is said", async () => {
  const { microBatch, notes } = await fitted(1e8);
  expect(microBatch).toBeGreaterThan(0);
  expect(microBatch).toBeLessThan(64);
  expect(notes).toEqual([
    expect.stringContaining(`Only 100 MB are free: ${microBatch} examples at once`),
    expect.stringContaining(`--micro-batch ${microBatch}, chosen so that it fits`),
  ]);
});

test("where parts do not help either, values are computed again, and that is said", async () => {
  const { microBatch, recompute, notes } = await fitted(1e6);
  expect(microBatch).toBe(1);
  expect(recompute).toBe("on");
  expect(notes[0]).toContain("Only 1 MB are free: not even one example does");
  expect(notes[1]).toMatch(/^--recompute on, chosen for memory: activations \d+ MB/);
  expect(notes[2]).toContain("--micro-batch 1, the least there is, though by plan not even that fits");
});

test("a batch of auto says so where nothing fits", async () => {
  const free = vi.spyOn(process, "availableMemory").mockReturnValue(1e6);
  const notes: string[] = [];
  const context = { signal: new AbortController().signal, note: (text: string) => notes.push(text) };
  const method = { kind: "adapters", placement, adapter: {} } as const;
  expect(await autoBatch(context, backbone, task, method, TrainOptions.parse({}))).toBe(1);
  free.mockRestore();
  expect(notes).toEqual(["batch size 1: by plan not even one example fits the memory free now"]);
});

test("a run that goes on keeps to what it decided, whatever is free now", async () => {
  const inParts = await fitted(8e9, { batchSize: 64, microBatch: 4, recompute: "on" });
  expect(inParts).toMatchObject({ microBatch: 4, recompute: "on" });
  expect(inParts.notes.slice(1)).toEqual([
    "--micro-batch 4, as the run to resume has it",
    "--recompute on, as the run to resume has it",
  ]);
  const whole = await fitted(1e6, { batchSize: 64, recompute: "auto" });
  expect(whole).toMatchObject({ microBatch: undefined, recompute: "auto" });
  expect(whole.notes).toHaveLength(1);
});

test("a folder without a checkpoint has decided nothing", async () => {
  expect(await begunSettings("src/cli")).toBeUndefined();
});
