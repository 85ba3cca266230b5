import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { orthogonal, randomMatrix, withSingularValues } from "../../../test/support/matrices.ts";
import { TINY, tinyPreNorm, tinyTask } from "../../../test/support/tiny-backbone.ts";
import { trainedTensors } from "../../../test/support/tiny-runs.ts";
import type { Backbone } from "../../backbone/index.ts";
import { asFloat32, tensorOf } from "../../graph/index.ts";
import { headParameters, pooledSize } from "../../objective/index.ts";
import { scoreEdges, scoreEdgesBy } from "../score-edges.ts";
import type { Scores } from "../scores.ts";
import { singularValues } from "../singular-values.ts";
import { type ScoreName, scoreNames, scores } from "./index.ts";
import type { BackboneFacts, Score } from "./score.ts";

type Made = "ofSpectrum" | "ofGradient" | "ofCap" | "ofEdge";
type NameOf<Kind extends Made> = { [N in ScoreName]: Kind extends keyof (typeof scores)[N] ? N : never }[ScoreName];

interface OfGradient {
  /** Its power when the gradient is scaled. */
  readonly degree: 0 | 1;
  /** Its value for (0 −4; 3 0), whose singular values are 4 and 3. */
  readonly of43: number;
  /** Whether rotations of the gradient's sides change it. */
  readonly turns?: true;
}
const ofGradients: Record<NameOf<"ofSpectrum" | "ofGradient">, OfGradient> = {
  srank: { degree: 0, of43: 2 },
  stable: { degree: 0, of43: 25 / 16 },
  entropy: { degree: 0, of43: Math.exp(-(4 / 7) * Math.log(4 / 7) - (3 / 7) * Math.log(3 / 7)) },
  frobenius: { degree: 1, of43: 5 },
  nuclear: { degree: 1, of43: 7 },
  spectral: { degree: 1, of43: 4 },
  whitened: { degree: 1, of43: 5 }, // of a gradient whitened before
  snip: { degree: 1, of43: 7 / Math.sqrt(Math.PI), turns: true },
};

/** Of null scores: values by hand on a backbone of 3 states, 2 wide, edge (from, to) at [from][to]. */
const facts: BackboneFacts = { states: 3, hiddenSize: 2, flops: [10, 30, 70] };
const ofEdges: Record<NameOf<"ofEdge">, number[][] | undefined> = {
  random: undefined,
  depth: [
    [3, 3, 3],
    [3, 2, 2],
    [3, 2, 1],
  ],
  late: [
    [1, 1, 1],
    [1, 2, 2],
    [1, 2, 3],
  ],
  middle: [
    [1, 1, 1],
    [1, 3, 1],
    [1, 1, 1],
  ],
  // norm 2 · 2, down 2 · 8 + 8, up 8 · 2 + 2, scale 1
  parameters: Array(3).fill(Array(3).fill(47)),
  flops: [
    [70, 70, 70],
    [90, 70, 70],
    [130, 110, 70],
  ],
};

const settings = { eta: 0.01, seed: 3 };

/** The score of a square matrix's gradient, by whatever it is made of. */
function scoreOf(name: NameOf<"ofSpectrum" | "ofGradient">, data: Float64Array): number {
  const score: Score = scores[name];
  const d = Math.sqrt(data.length);
  if ("ofSpectrum" in score) return score.ofSpectrum(singularValues(data, d, d), settings);
  if ("ofGradient" in score) return score.ofGradient({ data: Float32Array.from(data), rows: d, columns: d }, settings);
  throw new Error(`${name} is made of no gradient`);
}

describe.each(Object.entries(ofGradients))("%s", (key, { degree, of43, turns }) => {
  const name = key as keyof typeof ofGradients;

  test("by hand", () => {
    expect(scoreOf(name, Float64Array.of(0, -4, 3, 0))).toBeCloseTo(of43, 6);
    expect(scoreOf(name, new Float64Array(16))).toBe(0);
  });

  test("is finite, not negative, and of its degree in the gradient", () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(1e6), fc.integer({ min: -20, max: 20 }), (d, seed, power) => {
        const gradient = randomMatrix(d, d, seed);
        const value = scoreOf(name, gradient);
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThan(Number.POSITIVE_INFINITY);
        const factor = 2 ** power; // exact
        const scaled = scoreOf(
          name,
          gradient.map((x) => factor * x),
        );
        expect(scaled / factor ** degree).toBeCloseTo(value, 9);
      }),
      { seed: 1, numRuns: 40 },
    ));

  test(`${turns ? "depends" : "does not depend"} on rotations of either side`, () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.nat(1e6), (d, seed) => {
        const sigma = Array.from({ length: d }, (_, k) => 0.7 ** k);
        const diagonal = Float64Array.from({ length: d * d }, (_, at) =>
          at % (d + 1) === 0 ? 0.7 ** (at / (d + 1)) : 0,
        );
        const agrees = (a: Float64Array, b: Float64Array) => Math.abs(scoreOf(name, a) - scoreOf(name, b)) < 1e-5;
        expect(agrees(withSingularValues(sigma, seed), diagonal)).toBe(turns !== true);
        expect(agrees(orthogonal(d, seed), identity(d))).toBe(turns !== true);
      }),
      { seed: 2, numRuns: 20 },
    ));
});

const identity = (d: number) => Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));

describe.each(Object.entries(ofEdges))("%s", (key, byHand) => {
  const { ofEdge } = scores[key as keyof typeof ofEdges];
  const matrix = (seed: number) =>
    [0, 1, 2].map((from) => [0, 1, 2].map((to) => ofEdge({ from, to }, facts, { ...settings, seed })));

  test("by hand, or by its seed", () => {
    expect(matrix(1)).toEqual(byHand ?? matrix(1));
    if (byHand) return;
    expect(matrix(2)).not.toEqual(matrix(1));
    expect(new Set(matrix(1).flat()).size).toBe(9);
  });
});

test("the rank cap is the cap", () => expect(scores.cap.ofCap(7)).toBe(7));

describe("on a backbone", () => {
  const d = TINY.hiddenSize;
  const n = 2 * TINY.blocks + 1;
  const task = tinyTask({ train: 40, classes: 3 });
  const options = { examples: 12, threads: 1, seed: 5, head: "random" } as const;
  let backbone: Backbone;
  let all: ReadonlyMap<ScoreName, Scores>;
  beforeAll(async () => {
    backbone = await tinyPreNorm();
    all = await scoreEdgesBy(backbone, task, scoreNames, options);
  });

  test.each(scoreNames)("%s: an n × n matrix of numbers ≥ 0", (name) => {
    const made = all.get(name)!;
    expect(made.scoreName).toBe(name);
    expect(made.matrix).toHaveLength(n);
    for (const row of made.matrix) {
      expect(row).toHaveLength(n);
      for (const value of row) expect(value >= 0 && value < Number.POSITIVE_INFINITY).toBe(true);
    }
  });

  test("one seed gives the same bits", async () => {
    const again = await scoreEdgesBy(backbone, task, scoreNames, options);
    for (const name of scoreNames) expect(again.get(name)!.matrix, name).toEqual(all.get(name)!.matrix);
  });

  test.each(["srank", "frobenius", "whitened", "fisher", "cap"] as const)(
    "%s alone is the same as with the others",
    async (score) => {
      const alone = await scoreEdges(backbone, task, { ...options, score });
      expect(alone).toEqual({ ...all.get(score), seconds: alone.seconds });
    },
  );

  test("scores of spectra break ties by entropy rank, the others not", () => {
    expect(all.get("srank")!.tieBreak).toEqual(all.get("entropy")!.matrix);
    expect(all.get("nuclear")!.tieBreak).toEqual(all.get("entropy")!.matrix);
    expect(all.get("frobenius")!.tieBreak).toBeUndefined();
  });

  test("norms and ranks agree with each other", () => {
    const at = (name: ScoreName) => all.get(name)!.matrix.flat();
    const [frobenius, nuclear, spectral, stable] = (["frobenius", "nuclear", "spectral", "stable"] as const).map(at);
    for (let k = 0; k < n * n; k++) {
      expect(frobenius![k]! ** 2 / spectral![k]! ** 2).toBeCloseTo(stable![k]!, 4);
      expect(nuclear![k]).toBeGreaterThanOrEqual(frobenius![k]! * (1 - 1e-6));
      expect(nuclear![k]).toBeLessThanOrEqual(Math.sqrt(d) * frobenius![k]! * (1 + 1e-6));
    }
    expect(at("cap").slice(0, n)).toEqual(all.get("srank")!.caps);
  });

  test("null scores look at no example", async () => {
    const { train } = task;
    const blind = { ...task, train: { ...train, pixels: () => expect.unreachable("an example was read") } };
    for (const score of ["random", "depth", "late", "middle", "parameters", "flops"] as const) {
      const made = await scoreEdges(backbone, blind, { ...options, score });
      expect(made.matrix).toEqual(all.get(score)!.matrix);
      expect([made.examples, made.head, made.caps]).toEqual([undefined, undefined, undefined]);
    }
  });

  test("a recurrent edge costs what lies between its states once more", () => {
    const { matrix } = all.get("flops")!;
    const block = matrix[2]![0]! - matrix[0]![0]!;
    expect(block).toBeGreaterThan(0);
    expect(matrix[4]![2]! - matrix[0]![0]!).toBe(block); // all blocks are alike
    expect(matrix[4]![0]! - matrix[0]![0]!).toBe(2 * block);
  });
});

test("a gradient that is not finite is refused, with its edge", async () => {
  const backbone = await tinyPreNorm();
  const task = tinyTask({ train: 8, classes: 3 });
  const parameters = headParameters(pooledSize(TINY.hiddenSize, backbone.pooling), 3);
  const head = new Map(
    [...trainedTensors(parameters, 1)].map(([name, tensor]) => [
      name,
      tensorOf(
        "float32",
        tensor.shape,
        asFloat32(tensor).map(() => Number.NaN),
      ),
    ]),
  );
  const run = scoreEdges(backbone, task, { examples: 4, head, score: "frobenius" });
  await expect(run).rejects.toMatchObject({ code: "NOT_FINITE", message: expect.stringContaining("edge (0, 0)") });
});
