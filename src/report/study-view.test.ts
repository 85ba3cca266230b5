import { expect, test } from "vitest";
import { memoryStorage, StudySettings } from "../study/index.ts";
import { studyPage } from "./study-page.ts";
import { studyView } from "./study-view.ts";

const HOSTILE = "</script><img src=x onerror=alert(1)><!--";

function made() {
  const storage = memoryStorage({
    name: HOSTILE,
    settings: StudySettings.parse({ tasks: ["count"], trials: 3, seeds: 2, objectives: ["metric", "parameters"] }),
    backbone: { name: "vit", hash: "abc", states: 25 },
    data: {},
    metrics: { count: "accuracy" },
    createdAt: 0,
  });
  for (const [method, value, trainableParameters] of [
    ["4-5@r8,20-3@r8", 0.7, 200],
    ["1-2@r8", 0.6, 100],
    ["3-3@r8", 0.5, 150],
    ["3-4~gated@r8", 0.4, 150], // of another version
  ] as const) {
    const { number } = storage.addTrial("count", { method }, "random");
    for (const seed of [0, 1]) {
      storage.startRun({ task: "count", trial: number, seed }, "w");
      const evaluation = { value, loss: 0 };
      storage.completeRun(
        { task: "count", trial: number, seed },
        {
          validation: evaluation,
          measured: evaluation,
          bestEpoch: 1,
          trainableParameters,
          seconds: 3,
          peakMemoryBytes: 5 + seed,
        },
      );
    }
  }
  return studyView(storage.study, storage.trials());
}

test("a trial's edges are read off its method, seconds add up over seeds, of memory the most counts", () => {
  const [first, second, third] = made().tasks[0]!.trials;
  expect(first!.edges).toEqual([
    [4, 5],
    [20, 3],
  ]);
  expect(first).toMatchObject({ rank: 8, seconds: 6, memoryBytes: 6 });
  expect(made().tasks[0]!.trials[3]).toMatchObject({ method: "3-4~gated@r8", edges: [], metric: 0.4 });
  // The third has more parameters than the second and is worse; the first is the best and costs most.
  expect([first, second, third].map((trial) => trial!.isOnFront)).toEqual([true, true, false]);
});

test("the page's data ends no script, and its name is text", () => {
  const view = made();
  const page = studyPage(view, { app: "void 0", appHash: "x" });
  expect(page.match(/<\/script/g)).toHaveLength(2); // the data's and the program's own
  expect(page).not.toContain("<img");
  const data = page.match(/id="view">(.*)<\/script>/)![1]!;
  expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(view)));
});

test("a trial under way has the mean of its trainings so far, and is on no front", () => {
  const storage = memoryStorage({
    name: "half",
    settings: StudySettings.parse({ tasks: ["count"], trials: 2, seeds: 3 }),
    backbone: { name: "vit", hash: "abc", states: 25 },
    data: {},
    metrics: { count: "accuracy" },
    createdAt: 0,
  });
  for (const method of ["4-5@r8", "1-2@r8"]) storage.addTrial("count", { method }, "random");
  for (const [seed, value] of [0.5, 0.7].entries()) {
    const run = { task: "count", trial: 0, seed };
    storage.startRun(run, "w");
    const [validation, measured] = [0.9, value].map((value) => ({ value, loss: 0 }));
    const cost = { bestEpoch: 1, trainableParameters: 40, seconds: 3 };
    storage.completeRun(run, { validation: validation!, measured: measured!, ...cost });
  }
  const view = studyView(storage.study, storage.trials());
  const [half, untouched] = view.tasks[0]!.trials;
  expect(half).toMatchObject({ parameters: 40, seconds: 6, isOnFront: false });
  expect(half!.metric).toBeCloseTo(0.6, 12);
  expect(half!.state).not.toBe("complete");
  expect(untouched!.metric).toBeUndefined();
});
