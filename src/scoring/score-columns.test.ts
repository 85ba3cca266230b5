import { beforeAll, expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import type { Backbone } from "../backbone/index.ts";
import type { CheckpointStore } from "../training/index.ts";
import { scoreEdges, scoreEdgesBy } from "./score-edges.ts";
import type { Scores } from "./scores.ts";

const n = 2 * TINY.blocks + 1;
const task = tinyTask({ train: 40, classes: 3 });
const options = { examples: 12, threads: 1, seed: 5 };
const names = ["srank", "frobenius", "fisher", "depth"] as const;
type Results = Awaited<ReturnType<typeof scoreEdgesBy>>;

let backbone: Backbone;
let whole: Results;
beforeAll(async () => {
  backbone = await tinyPreNorm();
  whole = await scoreEdgesBy(backbone, task, names, options);
});

const untimed = (results: Results) => [...results].map(([name, scores]) => [name, { ...scores, seconds: 0 }]);

test("with a stride, the scores of every k-th state on both sides are those of the whole", async () => {
  const strided = await scoreEdgesBy(backbone, task, names, { ...options, stride: 2 });
  for (const name of names) {
    const { matrix, tieBreak, caps, stride } = strided.get(name)!;
    const of = whole.get(name)!;
    const masked = (rows: Scores["matrix"]) => rows.map((row, i) => row.map((x, j) => (i % 2 || j % 2 ? 0 : x)));
    expect(stride).toBe(2);
    for (const [found, expected] of [
      [matrix, masked(of.matrix)],
      [tieBreak ?? [], masked(of.tieBreak ?? [])],
    ] as const)
      for (const [i, row] of found.entries())
        for (const [j, x] of row.entries()) expect(x, `${name} ${i}-${j}`).toBeCloseTo(expected[i]![j]!, 5);
    if (name === "srank") expect(matrix).toEqual(masked(of.matrix));
    expect(caps).toEqual(of.caps?.map((cap, j) => (j % 2 ? 0 : cap)));
  }
});

test.each([0, 1.5, n, -1])("a stride of %d is refused", async (stride) => {
  await expect(scoreEdges(backbone, task, { ...options, stride })).rejects.toMatchObject({
    code: "STRIDE_OUT_OF_RANGE",
    message: expect.stringContaining("from 1 to 4"),
  });
});

function memoryStore() {
  const store: CheckpointStore & { bytes?: Uint8Array; saves: number } = {
    saves: 0,
    load: async () => store.bytes,
    async save(bytes) {
      store.saves++;
      store.bytes = bytes;
    },
  };
  return store;
}

test("scoring that was stopped goes on from its finished columns, to the same bits, behind the same head", async () => {
  const checkpoint = memoryStore();
  const stop = new AbortController();
  const stopped = scoreEdgesBy(backbone, task, names, {
    ...options,
    checkpoint,
    signal: stop.signal,
    onProgress: ({ phase, done }) => phase === "ranks" && done === 2 * n && stop.abort(),
  });
  await expect(stopped).rejects.toThrow();
  expect(checkpoint.saves).toBe(2);
  const phases = new Set<string>();
  const call = { ...options, checkpoint, onProgress: ({ phase }: { phase: string }) => void phases.add(phase) };
  expect(untimed(await scoreEdgesBy(backbone, task, names, call))).toEqual(untimed(whole));
  expect(checkpoint.saves).toBe(n);
  expect([...phases]).toEqual(["gradients", "ranks"]); // no features: the head is kept
  phases.clear();
  expect(untimed(await scoreEdgesBy(backbone, task, names, call))).toEqual(untimed(whole));
  expect([checkpoint.saves, phases.size]).toEqual([n, 0]);
});

test("a checkpoint of other settings is refused, and so is another file", async () => {
  const checkpoint = memoryStore();
  await scoreEdges(backbone, task, { ...options, stride: 4, head: "random", checkpoint });
  const again = (more: object) =>
    scoreEdges(backbone, task, { ...options, stride: 4, head: "random", checkpoint, ...more });
  const refused = (text: string) => ({ code: "CHECKPOINT_MISMATCH", message: expect.stringContaining(text) });
  await expect(again({ seed: 6 })).rejects.toMatchObject(refused('setting "seed"'));
  await expect(again({ score: "frobenius" })).rejects.toMatchObject(refused('setting "scores"'));
  // As many examples of the same task, one with another label: an edited table.
  const edited = tinyTask({ train: 40, classes: 3 });
  if (edited.train.targets.kind === "classes") edited.train.targets.labels[7]! ^= 1;
  await expect(
    scoreEdges(backbone, edited, { ...options, stride: 4, head: "random", checkpoint }),
  ).rejects.toMatchObject(refused('setting "data"'));
  await expect(again({ head: new Map() })).rejects.toMatchObject(refused('setting "head"'));
  const { encodeSafetensors } = await import("../formats/index.ts");
  checkpoint.bytes = encodeSafetensors(new Map());
  await expect(again({})).rejects.toMatchObject(refused("not of the format"));
});
