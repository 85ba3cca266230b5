import { describe, expect, test } from "vitest";
import { fixtureGraph, fixtureRecord } from "../../test/support/fixtures.ts";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { relativeError, runOnce } from "../../test/support/tiny-runs.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, openGraph, traceBackbone } from "../backbone/index.ts";
import { random } from "../base/index.ts";
import { asFloat32, createBuilder, prune, tensorOf } from "../graph/index.ts";
import { findSites, methodOf, type Site, siteMatrix, tunedOutput, upToFeatures } from "../methods/index.ts";
import { lossOf, targetShapes } from "../objective/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { chooseMethod, selectMethod } from "../selection/index.ts";
import type { Goal, Task } from "../tasks/index.ts";
import { stepFeeds } from "../training/index.ts";
import { openProbe, type Probe } from "./probe.ts";
import { bestSites, type SiteOptions, scoreSites, scoreSitesBy } from "./score-sites.ts";
import { type ScoreName, scoreNames } from "./scores/index.ts";
import { parseSiteScores, type SiteScore } from "./site-scores.ts";
import { whitenerOf } from "./whitening.ts";

const goal: Goal = { kind: "classify", classes: ["a", "b", "c"] };
const count = 36; // more than a batch

/** Pictures of noise for a fixture of any size, or ids of any length. */
function noiseTask({ input }: Backbone): Task {
  const labels = Int32Array.from({ length: count }, (_, k) => k % 3);
  const targets = { kind: "classes", labels } as const;
  const drawn = <T>(k: number, make: (draw: ReturnType<typeof random>) => T) => make(random(8, k));
  const size = input.kind === "image" ? 3 * input.height * input.width : 0;
  const idsOf = (k: number) => drawn(k, (draw) => Int32Array.from({ length: 3 + (k % 5) }, () => 1 + draw.int(20)));
  const split =
    input.kind === "image"
      ? {
          kind: "image" as const,
          pixels: (k: number) => drawn(k, (draw) => Uint8Array.from({ length: size }, () => draw.int(256))),
        }
      : {
          kind: "text" as const,
          encodings: (k: number) => [{ ids: idsOf(k), typeIds: new Int32Array(idsOf(k).length), truncated: false }],
          views: 1,
          isPair: false,
          length: (k: number) => idsOf(k).length,
          padding: { padId: 0, padTypeId: 0, paddingSide: "right" as const },
        };
  const train = { ...split, count, targets };
  return { name: "noise", title: "", goal, train, validation: train, test: train, notes: [] } as unknown as Task;
}

const fixture = async (name: string): Promise<Backbone> => {
  const { inputs } = fixtureRecord(name);
  return openGraph(fixtureGraph(name), nodeRuntime, { imageSize: inputs.pixel_values?.shape[2] });
};

/**
 * ∂L/∂W of each example of a site: LoRA of full rank really put there, with A the identity and scale 1, makes W + B of W, and the
 * gradient of B at 0 is that of W.
 */
async function gradientOf(backbone: Backbone, task: Task, site: Site, { head }: Probe, indices: Uint32Array) {
  const tokens = task.train.kind === "text" ? 8 : undefined;
  const graph = upToFeatures(backbone, await traceBackbone(backbone, { batchSize: indices.length, tokens }));
  const { inSize } = site.products[0]!;
  const method = methodOf(backbone, { kind: "lora", targets: [site.name], rank: inSize, alpha: inSize });
  const g = createBuilder(graph);
  const identity = Float32Array.from({ length: inSize ** 2 }, (_, k) => (k % (inSize + 1) === 0 ? 1 : 0));
  const up = g.constant(tensorOf("float32", [inSize, site.size], new Float32Array(inSize * site.size)), "up");
  const tensors = new Map([
    [`lora.${site.name}.down`, g.constant(tensorOf("float32", [inSize, inSize], identity), "down")],
    [`lora.${site.name}.up`, up],
    ...[...head].map(([name, tensor]) => [name, g.constant(tensor, name)] as const),
  ]);
  const output = tunedOutput(g, backbone, graph, { method, goal }, tensors);
  const shapes = targetShapes(goal, { batchSize: indices.length });
  const weights = g.input("weights", "float32", shapes.weights);
  const loss = lossOf(g, goal, output, g.input("targets", "float32", shapes.targets!), weights, 1);
  const [gradient] = differentiate(g, loss, [up]);
  const feeds = stepFeeds(goal, {
    split: task.train,
    indices,
    input: backbone.input,
    batchSize: indices.length,
    tokens,
  });
  return (await runOnce(prune(g.toGraph([g.rename(gradient!, "made").name])), feeds)).made!;
}

describe.each([
  ["q, k and v at once", tinyPreNorm, ["0.v", "1.qkv", "1.fc2"]],
  ["blocks that share their weights, texts of several lengths", () => fixture("albert-ts14"), ["0.q", "0.fc2"]],
] as const)("%s", (_, open, targets) => {
  test("scores are those of the gradients of the frozen matrices", async () => {
    const backbone: Backbone = await open();
    const task = noiseTask(backbone);
    const options: SiteOptions = { targets, head: "random", examples: count, threads: 1, seed: 3 };
    const probe = await openProbe(backbone, task, options as never);
    const sites = findSites(backbone, targets);
    const found = await scoreSitesBy(backbone, task, ["frobenius", "nuclear"], options);
    const [frobenius, nuclear] = [...found.values()].map(({ sites }) => sites) as [SiteScore[], SiteScore[]];
    expect(frobenius.map(({ name }) => name)).toEqual(sites.map(({ name }) => name));
    for (const [k, site] of sites.entries()) {
      const gradient = await gradientOf(backbone, task, site, probe, probe.indices);
      const [rows, columns] = [site.products[0]!.inSize, site.size];
      expect(frobenius[k]).toMatchObject({ inSize: rows, outSize: columns });
      expect(frobenius[k]!.score / Math.hypot(...gradient)).toBeCloseTo(1, 4);
      const sigma = jacobiSingularValues(gradient, rows, columns);
      expect(nuclear[k]!.score / sigma.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
      expect(nuclear[k]!.cap).toBeLessThanOrEqual(Math.min(rows, columns));
    }
    const few: SiteOptions = { ...options, targets: [targets[0]], examples: 3, score: "fisher" };
    const [fisher] = (await scoreSites(backbone, task, few)).sites;
    let squares = 0;
    for (const index of (await openProbe(backbone, task, few)).indices) {
      const own = await gradientOf(backbone, task, sites[0]!, probe, Uint32Array.of(index));
      squares += own.reduce((sum, x) => sum + x * x, 0);
    }
    expect(fisher!.score / (squares / 3)).toBeCloseTo(1, 3);
  });
});

describe("on a small backbone", () => {
  const task = tinyTask({ train: 24, classes: 3 });
  const options = { head: "random", examples: 10, threads: 1, seed: 3 } as const;
  const byScore = async (score: ScoreName, more: SiteOptions = {}) =>
    scoreSites(await tinyPreNorm(), task, { ...options, ...more, score });

  test("every score is a number ≥ 0 for each product, of the seed's bits", async () => {
    const names = scoreNames.filter((name) => name !== "flops");
    const [all, again] = [
      await scoreSitesBy(await tinyPreNorm(), task, names, options),
      await scoreSitesBy(await tinyPreNorm(), task, names, options),
    ];
    expect([...all.keys()]).toEqual(names);
    for (const [score, { sites, scoreName, examples }] of all) {
      expect(scoreName).toBe(score);
      expect(examples).toBe(/^(random|depth|late|middle|parameters)$/.test(score) ? undefined : 10);
      expect(sites.map(({ name }) => name)).toEqual(
        [0, 1].flatMap((block) => ["qkv", "o", "fc1", "fc2"].map((role) => `${block}.${role}`)),
      );
      for (const site of sites) expect(site.score >= 0 && site.score < Number.POSITIVE_INFINITY).toBe(true);
      expect(again.get(score)!.sites).toEqual(sites);
    }
    expect(all.get("parameters")!.sites.map(({ score }) => score / 8)).toEqual([64, 32, 48, 48, 64, 32, 48, 48]);
  });

  test("operations say nothing of them; an unknown target and a count beyond them are refused", async () => {
    await expect(byScore("flops")).rejects.toMatchObject({ code: "SCORE_UNSUITED" });
    await expect(byScore("srank", { targets: ["query"] })).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });
    const found = await byScore("depth");
    expect(bestSites(found, 2)).toEqual(["0.qkv", "0.o"]);
    expect(bestSites(await byScore("late"), 2)).toEqual(["1.fc2", "1.fc1"]);
    expect((await byScore("middle")).sites.map(({ score }) => score)).toEqual([1, 3, 5, 7, 7, 5, 3, 1]);
    expect(() => bestSites(found, 9)).toThrow(expect.objectContaining({ code: "COUNT_OUT_OF_RANGE" }));
  });

  test("whitened and snip, by hand from the gradient, what the product reads and the frozen matrix", async () => {
    const backbone = await tinyPreNorm();
    const targets = ["1.fc2"];
    const probe = await openProbe(backbone, task, options);
    const [site] = findSites(backbone, targets);
    const gradient = await gradientOf(backbone, task, site!, probe, probe.indices);
    const [{ input: read, output, bias, inSize: rows }] = site!.products as [Site["products"][number]];
    const columns = site!.size;
    const traced = await traceBackbone(backbone, { batchSize: 10 });
    const { input } = backbone;
    const feeds = stepFeeds(goal, { split: task.train, indices: probe.indices, input, batchSize: 10 });
    const values = await runOnce(prune({ ...traced, outputs: [read, output] }), { [input.name]: feeds[input.name]! });
    const [x, y] = [values[read]!, values[output]!];
    const tokens = x.length / rows;
    const moment = new Float64Array(rows * rows);
    for (let t = 0; t < tokens; t++)
      for (let a = 0; a < rows; a++)
        for (let b = 0; b < rows; b++) moment[a * rows + b]! += (x[t * rows + a]! * x[t * rows + b]!) / tokens;
    const inverse = whitenerOf(moment, rows);
    let squares = 0;
    for (let a = 0; a < rows; a++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let b = 0; b < rows; b++) sum += inverse[a * rows + b]! * gradient[b * columns + c]!;
        squares += sum ** 2;
      }
    const scored = await scoreSitesBy(backbone, task, ["whitened", "snip"], { ...options, targets });
    expect(scored.get("whitened")!.sites[0]!.score / Math.sqrt(squares)).toBeCloseTo(1, 3);
    const frozen = siteMatrix(backbone.graph, site!)!;
    const saliency = frozen.reduce((sum, w, k) => sum + Math.abs(w * gradient[k]!), 0);
    expect(scored.get("snip")!.sites[0]!.score / saliency).toBeCloseTo(1, 4);
    // It is the matrix that the product multiplies by.
    const shift = bias === undefined ? undefined : asFloat32(backbone.graph.initializers.get(bias)!);
    const first = Array.from({ length: columns }, (_, c) => {
      let sum = shift?.[c] ?? 0;
      for (let a = 0; a < rows; a++) sum += x[a]! * frozen[a * columns + c]!;
      return sum;
    });
    expect(relativeError(first, y.subarray(0, columns))).toBeLessThan(1e-5);
  });

  test("scores of sites survive JSON, and place LoRA", async () => {
    const backbone = await tinyPreNorm();
    const found = await byScore("fisher");
    const read = parseSiteScores(JSON.parse(JSON.stringify(found)));
    const best = [...found.sites].sort((a, b) => b.score - a.score).slice(0, 3);
    const { method } = selectMethod("lora:top:3@r2", backbone, { sites: read });
    expect(method).toMatchObject({ kind: "lora", targets: best.map(({ name }) => name), rank: 2 });
    expect(() => selectMethod("lora:top:3", backbone)).toThrow(expect.objectContaining({ code: "SCORES_NEEDED" }));
    const chosen = await chooseMethod("lora:top:2", backbone, task, { seed: 3, options: { threads: 1 } });
    const { sites } = await scoreSites(backbone, task, { seed: 3, threads: 1 });
    expect(chosen.method).toMatchObject({ targets: bestSites({ sites }, 2) });
  });

  test.each([
    ["no sites", { schema: 1, scoreName: "x", sites: [] }, /sites/],
    ["a negative score", { schema: 1, scoreName: "x", sites: [{ name: "0.q", score: -1 }] }, /sites\.0\.score/],
    ["scores of edges", { schema: 1, scoreName: "x", matrix: [[1]] }, /file\.json: sites/],
  ])("%s are refused", (_, json, message) => {
    expect(() => parseSiteScores(json, "file.json")).toThrow(expect.objectContaining({ code: "BAD_SCORES" }));
    expect(() => parseSiteScores(json, "file.json")).toThrow(message);
  });
});
