import { expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { parsePlacement } from "../adapters/index.ts";
import { methodOf } from "../methods/index.ts";
import { evaluate } from "./evaluate.ts";
import type { CacheCall } from "./frozen-cache.ts";
import { frozenShelf } from "./frozen-shelf.ts";
import { evaluateWithout } from "./removals.ts";
import { train } from "./train.ts";

const task = tinyTask({ train: 32, validation: 24, noise: 0.8 });

test("a trained placement without one of its adapters is the placement of the others", async () => {
  const backbone = await tinyPreNorm();
  const placement = parsePlacement("1-2,4-1,3-3", { states: 5, defaultRank: 2 });
  const options = { epochs: 3, batchSize: 8, learningRate: 0.02, threads: 1, seed: 2 };
  const trained = await train(backbone, task, placement, { options });
  const seen: number[] = [];
  const results = await evaluateWithout(trained, task.validation, placement, {
    onProgress: ({ phase, done }) => phase === "removals" && seen.push(done),
  });
  expect(seen).toEqual([1, 2, 3]);
  for (const [k, edge] of placement.entries()) {
    const others = placement.filter((other) => other !== edge);
    const spec = { ...trained.spec, method: methodOf(backbone, others) };
    const names = [...trained.tensors.keys()].filter((name) => !name.startsWith(`adapters.${edge.from}-${edge.to}.`));
    const tensors = new Map(names.map((name) => [name, trained.tensors.get(name)!]));
    const expected = await evaluate({ backbone, spec, tensors }, task.validation);
    expect(results[k]!.value).toBe(expected.value);
    expect(results[k]!.loss).toBeCloseTo(expected.loss, 5);
    expect(Math.abs(results[k]!.loss - trained.validation.loss)).toBeGreaterThan(1e-4);
  }
});

test("what a training of a search left on its shelf is not computed again", async () => {
  const backbone = await tinyPreNorm();
  const placement = parsePlacement("3-4,3-3", { states: 5, defaultRank: 2 });
  const options = { epochs: 2, batchSize: 8, threads: 1 };
  const shelf = frozenShelf({ keepsEpochs: true });
  const trained = await train(backbone, task, placement, { options, shelf });
  const removals = async (call: Pick<CacheCall, "shelf">) => {
    let computed = 0;
    const results = await evaluateWithout(trained, task.validation, placement, {
      ...call,
      threads: 1,
      onProgress: ({ phase }) => phase === "frozen values" && computed++,
    });
    return { results, computed };
  };
  const [kept, anew] = [await removals({ shelf }), await removals({})];
  shelf.close();
  expect([kept.computed, anew.computed]).toEqual([0, 1]);
  expect(kept.results).toEqual(anew.results);
});
