import { describe, expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { mean, pairedInterval } from "../base/index.ts";
import { describeMethod } from "../methods/index.ts";
import { chooseMethod, selectMethod } from "../selection/index.ts";
import { evaluate, fitTaskHead, train } from "../training/index.ts";
import { compareMethods, countJobs, type Job, jobKey, localRuns, type MethodRun } from "./index.ts";

const task = tinyTask();
const options = { epochs: 1, threads: 1 };
const backbone = await tinyPreNorm();

test("rows are trained from one head, random ones drawn anew unless they name a seed, means taken", async () => {
  const seen: string[] = [];
  const { rows } = await compareMethods({
    methods: ["none", "first:2", "random:2", "random:2@7"],
    reference: "none",
    draws: 2,
    seeds: [3],
    run: localRuns(backbone, () => task, { options }),
    onRow: ({ method }) => seen.push(method),
  });
  expect(seen).toEqual(["none", "first:2", "random:2", "random:2@7"]);
  expect(rows.map(({ runs }) => runs.length)).toEqual([1, 1, 2, 1]);
  const [none, first, random, seeded] = rows as [
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
    (typeof rows)[0],
  ];
  expect(random.runs[0]!.description).not.toEqual(random.runs[1]!.description);
  expect(random.test).toBe(mean(random.runs.map((run) => run.test!.value)));
  expect([none.testStd, seeded.testStd]).toEqual([undefined, undefined]);
  expect(random.testStd).toBeTypeOf("number");

  // The head alone, and 2 adapters of rank 8: norm 2 · 16, W_down and bias 16 · 8 + 8, W_up and bias 8 · 16 + 16, α.
  const head = 32 * 3 + 3;
  expect([none.trainableParameters, first.trainableParameters]).toEqual([head, head + 2 * (32 + 136 + 144 + 1)]);

  // The same as by hand.
  const fitted = await fitTaskHead(backbone, task, { headL2: 0.01, threads: 1, classWeights: "none" });
  const { method } = selectMethod("first:2", backbone);
  const model = await train(backbone, task, method, { options: { ...options, seed: 3 }, head: fitted });
  expect(first.runs[0]!.description).toBe("0-1@r8,1-2@r8");
  expect(first.runs[0]!.validation).toEqual(model.validation);
  expect(first.runs[0]!.test).toEqual(await evaluate(model, task.test, { threads: 1 }));
  expect(await evaluate(first.runs[0]!.model!, task.test, { threads: 1 })).toEqual(first.runs[0]!.test);
});

test("what memory decides of a training is done, and stands in its run", async () => {
  const run = localRuns(backbone, () => task, {
    options: { ...options, batchSize: 8 },
    fit: async (_, { kind }, asked) => (kind === "adapters" ? { ...asked, microBatch: 3, recompute: "on" } : asked),
  });
  const job = { seed: 0, draw: 0, rateFactor: 1, isTrial: true };
  const [parts, whole] = [await run({ ...job, method: "first:1@r2" }), await run({ ...job, method: "bitfit" })];
  await run.close();
  expect(parts).toMatchObject({ microBatch: 3, recompute: "on" });
  expect(whole).not.toHaveProperty("microBatch");
  const { method } = selectMethod("first:1@r2", backbone);
  const expected = await train(backbone, task, method, {
    options: { ...options, batchSize: 8, microBatch: 3, recompute: "on" },
  });
  expect(parts.validation).toEqual(expected.validation);
});

test("methods of every kind, each with what its export costs; neighbours train nothing and have no file", async () => {
  const { rows, added } = await compareMethods({
    methods: ["knn", "lora:q,v@r2", "gga:1@r2"],
    seeds: [0],
    run: localRuns(backbone, () => task, { options, measuresExport: true, keepsExamples: true, memory: () => 7 }),
  });
  expect(rows.map(({ method }) => method)).toEqual([
    "linear",
    "knn",
    "lora:q,v@r2",
    "gga:1@r2",
    "random:1@r2",
    "first:1@r2",
  ]);
  expect(added).toEqual(["linear", "random:1@r2", "first:1@r2"]);
  const [linear, neighbours, lora, gga] = rows;
  expect(neighbours).toMatchObject({ trainableParameters: 0, fileBytes: undefined, latency: undefined });
  expect(neighbours!.runs[0]!.description).toMatch(/^\d+ nearest neighbours? by cosine$/);
  expect([linear, lora].map((row) => row!.runs[0]!.backbonePrecision)).toEqual([undefined, "fp32"]);
  expect(lora!.fileBytes).toBe(linear!.fileBytes); // merged
  expect(gga!.fileBytes).toBeGreaterThan(linear!.fileBytes!);
  for (const row of rows) expect(row.peakMemoryBytes).toBe(7);
  expect(linear!.difference).toBeUndefined();
  // One seed: the interval is over the test examples, around the difference of their means.
  for (const { difference, test: value } of rows.slice(1)) {
    expect(difference!.pairs).toBe(task.test.count);
    expect(difference!.mean).toBeCloseTo(value - linear!.test, 12);
    expect(difference!.low).toBeLessThanOrEqual(difference!.mean);
    expect(difference!.high).toBeGreaterThanOrEqual(difference!.mean);
  }
});

/** Runs whose values are known, so that what is made of them can be counted by hand. */
function knownRuns(figureOf: (job: Job) => number | "failed") {
  const jobs: Job[] = [];
  const run = async (job: Job): Promise<MethodRun> => {
    jobs.push(job);
    const value = figureOf(job);
    const common = { ...job, description: job.method, learningRate: 0.01 * job.rateFactor, trainableParameters: 1 };
    if (value === "failed") return { ...common, seconds: 1, failure: "loss NaN" };
    const evaluation = { value, loss: 1 - value };
    return { ...common, validation: evaluation, test: job.isTrial ? undefined : evaluation, seconds: 2 };
  };
  return { jobs, run };
}

test("what trains to choose does so in its run, with the seed's scores and head", async () => {
  const run = localRuns(backbone, () => task, { options });
  const done = await run({ method: "greedy:2@r2", seed: 1, draw: 0, rateFactor: 1, isTrial: false });
  await run.close();
  const { method, trials } = await chooseMethod("greedy:2@r2", backbone, task, { options: { ...options, seed: 1 } });
  expect(done.description).toBe(describeMethod(method));
  expect(trials).toHaveLength(1);
  const trained = await train(backbone, task, method, { options: { ...options, seed: 1 } });
  expect(done.validation).toEqual(trained.validation);
});

describe("learning rates", () => {
  test("each method gets as many trials, on the first seed, and the best one's rate in every run", async () => {
    const { jobs, run } = knownRuns(({ method, rateFactor, isTrial }) =>
      isTrial && (method === "full" ? rateFactor < 1 : rateFactor > 1) ? 0.9 : 0.5,
    );
    const seeds = [4, 5];
    const methods = ["linear", "full", "bitfit"];
    const { rows } = await compareMethods({ methods, seeds, trials: 3, run });
    expect(jobs.filter(({ method }) => method === "full")).toEqual([
      ...[0.3162, 1, 3.162].map((rateFactor) => ({ method: "full", seed: 4, draw: 0, rateFactor, isTrial: true })),
      ...seeds.map((seed) => ({ method: "full", seed, draw: 0, rateFactor: 0.3162, isTrial: false })),
    ]);
    expect(rows.map(({ trials }) => trials.length)).toEqual([0, 3, 3]);
    expect(rows.map(({ tuningSeconds }) => tuningSeconds)).toEqual([0, 6, 6]);
    expect(rows[2]!.learningRate).toBeCloseTo(0.03162, 10);
    expect(jobs).toHaveLength(countJobs(methods, { seeds, trials: 3 }));
  });

  test("a trial that failed is not taken; a method whose trials all fail is an error that names it", async () => {
    const some = knownRuns(({ rateFactor, isTrial }) => (isTrial && rateFactor >= 1 ? "failed" : 0.5));
    const { rows } = await compareMethods({ methods: ["full"], seeds: [0], trials: 3, run: some.run });
    expect(rows[1]!.runs[0]!.rateFactor).toBe(0.3162);
    const none = knownRuns(({ isTrial }) => (isTrial ? "failed" : 0.5));
    await expect(compareMethods({ methods: ["full"], trials: 2, run: none.run })).rejects.toThrow(
      /method full: every learning rate that was tried failed \(0\.003162, 0\.01\): loss NaN/,
    );
  });
});

test("against random draws of as many edges, each on the data of its seed", async () => {
  // Draws do 0.50 to 0.59 with seed 0 and a tenth more with seed 1; ours 0.555 and 0.695.
  const { run } = knownRuns(({ method, seed, draw }) =>
    method.startsWith("random") ? 0.5 + 0.01 * draw + 0.1 * seed : 0.555 + 0.14 * seed,
  );
  const call = { methods: ["first:2@r4", "gga:3@r4", "random:2@r4"], reference: "linear", seeds: [0, 1], run };
  const { rows } = await compareMethods({ ...call, draws: 10 });
  const bands = Object.fromEntries(rows.map(({ method, againstRandom }) => [method, againstRandom]));
  const like = { draws: 20, p: 5 / 21 }; // 0.56 to 0.59 with seed 0
  expect(bands).toMatchObject({ "first:2@r4": like, "gga:3@r4": like, "first:3@r4": like });
  expect([bands.linear, bands["random:2@r4"]]).toEqual([undefined, undefined]);
  const few = await compareMethods({ ...call, draws: 4 });
  expect(few.rows.every(({ againstRandom }) => againstRandom === undefined)).toBe(true);
});

describe("differences", () => {
  test("are paired over seeds, with Student's interval", async () => {
    const values: Record<string, readonly number[]> = { linear: [0.5, 0.6, 0.7], bitfit: [0.6, 0.72, 0.74] };
    const { run } = knownRuns(({ method, seed }) => values[method]![seed]!);
    const { rows } = await compareMethods({ methods: ["linear", "bitfit"], run });
    expect(rows[0]!.difference).toBeUndefined();
    const expected = pairedInterval([0.1, 0.12, 0.04]);
    expect(rows[1]!.difference!.pairs).toBe(3);
    for (const key of ["mean", "low", "high"] as const)
      expect(rows[1]!.difference![key]).toBeCloseTo(expected[key]!, 12);
    expect(rows[1]!.validationStd).toBeCloseTo(Math.sqrt((0.0867 ** 2 + 0.0333 ** 2 + 0.0533 ** 2) / 2), 3);
  });

  test("a run that failed leaves its row without figures, and says why", async () => {
    const { run } = knownRuns(({ method, seed }) => (method === "full" && seed === 1 ? "failed" : 0.5));
    const { rows } = await compareMethods({ methods: ["full"], run });
    expect(rows[1]).toMatchObject({ test: Number.NaN, failure: "loss NaN" });
    expect(rows[1]!.difference!.mean).toBeNaN();
  });
});

test("what an earlier call did is not done again", async () => {
  const call = { methods: ["linear", "bitfit"], seeds: [0, 1], trials: 2 };
  const first = knownRuns(({ seed, rateFactor }) => 0.5 + 0.1 * seed + 0.01 * rateFactor);
  const finished: MethodRun[] = [];
  const whole = await compareMethods({ ...call, run: first.run, onRun: (run) => void finished.push(run) });
  const rest = knownRuns(({ seed, rateFactor }) => 0.5 + 0.1 * seed + 0.01 * rateFactor);
  const places: string[] = [];
  const resumed = await compareMethods({
    ...call,
    run: rest.run,
    finished: finished.slice(0, 3),
    onRun: (_, { at, of }) => void places.push(`${at} of ${of}`),
  });
  expect(resumed).toEqual(whole);
  expect(rest.jobs.map(jobKey)).toEqual(first.jobs.slice(3).map(jobKey));
  expect(places).toEqual(["4 of 6", "5 of 6", "6 of 6"]); // a run of the head for each seed; two trials and two runs of biases
});
