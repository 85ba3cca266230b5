import { expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { mean } from "../base/index.ts";
import { evaluate, fitTaskHead, train } from "../training/index.ts";
import { compare } from "./index.ts";

const task = tinyTask();
const options = { epochs: 1, threads: 1 };

test("rows are trained from one head, random ones drawn anew unless they name a seed, means taken", async () => {
  const backbone = await tinyPreNorm();
  const seen: string[] = [];
  const rows = await compare(backbone, task, {
    rows: ["none", "first:2", "random:2", "random:2@7"],
    draws: 2,
    seed: 3,
    options,
    onRow: ({ row }) => seen.push(row),
  });
  expect(seen).toEqual(["none", "first:2", "random:2", "random:2@7"]);
  expect(rows.map(({ runs }) => runs.length)).toEqual([1, 1, 2, 1]);
  const [none, first, random, seeded] = rows as [
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
  ];
  const placements = random.runs.map(({ placement }) => placement);
  expect(placements[0]).not.toEqual(placements[1]);
  expect(random.test).toBe(mean(random.runs.map((run) => run.test.value)));
  expect([none.testStd, seeded.testStd]).toEqual([undefined, undefined]);
  expect(random.testStd).toBeTypeOf("number");

  // The head alone, and 2 adapters of rank 8: norm 2 · 16, W_down and bias 16 · 8 + 8, W_up and bias 8 · 16 + 16, α.
  const head = 32 * 3 + 3;
  expect([none.trainableParameters, first.trainableParameters]).toEqual([head, head + 2 * (32 + 136 + 144 + 1)]);

  // The same as by hand.
  const settings = { ...options, seed: 3 };
  const fitted = await fitTaskHead(backbone, task, { headL2: 0.01, threads: 1, classWeights: "none" });
  const placement = [
    { from: 0, to: 1, rank: 8 },
    { from: 1, to: 2, rank: 8 },
  ];
  const model = await train(backbone, task, placement, { options: settings, head: fitted });
  expect(first.runs[0]!.placement).toEqual(placement);
  expect(first.runs[0]!.validation).toEqual(model.validation);
  expect(first.runs[0]!.test).toEqual(await evaluate(model, task.test, { threads: 1 }));
});
