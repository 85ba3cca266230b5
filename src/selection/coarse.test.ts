import { beforeAll, describe, expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import type { Backbone } from "../backbone/index.ts";
import { openBackbone, openTask } from "../node.ts";
import { parseScores, type ScoreOptions, type Scores, scoreEdges } from "../scoring/index.ts";
import type { CheckpointStore } from "../training/index.ts";
import { chooseMethod } from "./choose-method.ts";
import { chooserOf, select } from "./select.ts";

/** Scores of a placement by a coarse pass. */
const coarsely = (place: string, states: number, columns?: number): Pick<ScoreOptions, "coarse"> => ({
  coarse: { choose: chooserOf(place, { states }), columns },
});
const taken = (place: string, scores: Scores) =>
  select(place, { states: scores.matrix.length, scores }).edges.map(({ from, to }) => `${from}-${to}`);

describe("on the embedded backbone", () => {
  test.each(["count", "texture"])("a coarse pass chooses the edges of exact scores: %s", async (name) => {
    const backbone = await openBackbone("builtin:vit");
    const task = await openTask(name, { trainSize: 600 });
    const common = { head: "random", examples: 96 } as const;
    const exact = await scoreEdges(backbone, task, common);
    for (const place of ["gga:3", "top:3"]) {
      const { coarse, matrix, tieBreak, ...coarsened } = await scoreEdges(backbone, task, {
        ...common,
        ...coarsely(place, 25),
      });
      expect(taken(place, { ...coarsened, coarse, matrix, tieBreak }), place).toEqual(taken(place, exact));
      expect(coarse!.columns).toBe(32);
      expect(coarse!.exact.length).toBeLessThan(400); // of 625
      // Estimates are no wild guesses.
      expect(coarse!.error).toBeLessThan(5);
      for (const { from, to } of coarse!.exact)
        expect([matrix[from]![to], tieBreak![from]![to]]).toEqual([
          exact.matrix[from]![to],
          exact.tieBreak![from]![to],
        ]);
      expect(coarsened.caps).toEqual(exact.caps);
    }
  });
});

const n = 2 * TINY.blocks + 1;
const task = tinyTask({ train: 40, classes: 3 });
const options = { examples: 12, threads: 1, seed: 5, head: "random" } as const;
let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyPreNorm();
});
const untimed = (scores: Scores) => ({ ...scores, seconds: 0 });

test("the same call gives the same scores, and JSON keeps them", async () => {
  const call = { ...options, ...coarsely("gga:2", n, 3) };
  const scores = await scoreEdges(backbone, task, call);
  expect(scores.coarse!.exact.length).toBeLessThan(n * n);
  expect(untimed(await scoreEdges(backbone, task, call))).toEqual(untimed(scores));
  expect(parseScores(JSON.parse(JSON.stringify(scores)))).toEqual(scores);
  const cut = { ...scores, coarse: { ...scores.coarse, exact: [{ from: 0, to: n }] } };
  expect(() => parseScores(cut)).toThrow(`coarse.exact[0]: is edge (0, ${n}), but there are ${n} states`);
});

test("with a stride, edges of the stride alone are scored and chosen", async () => {
  const { coarse, matrix, stride } = await scoreEdges(backbone, task, {
    ...options,
    ...coarsely("top:2", n, 3),
    stride: 2,
  });
  expect(stride).toBe(2);
  expect(coarse!.exact.every(({ from, to }) => from % 2 === 0 && to % 2 === 0)).toBe(true);
  expect(matrix.flatMap((row, i) => row.filter((_, j) => i % 2 === 1 || j % 2 === 1)).every((x) => x === 0)).toBe(true);
});

test("where a stride leaves two states all four edges are scored exactly", async () => {
  const call = { ...options, stride: 3 };
  const { coarse, matrix } = await scoreEdges(backbone, task, { ...call, ...coarsely("gga:1", n, 3) });
  expect(coarse!.exact).toHaveLength(4);
  expect(coarse!.error).toBe(0);
  expect(matrix).toEqual((await scoreEdges(backbone, task, call)).matrix);
});

test("other scores of singular values can be estimated too", async () => {
  const exact = await scoreEdges(backbone, task, { ...options, score: "nuclear" });
  const scores = await scoreEdges(backbone, task, { ...options, score: "nuclear", ...coarsely("top:1", n, 4) });
  expect(taken("top:1", scores)).toEqual(taken("top:1", exact));
});

test.each([
  [{ columns: 0 }, {}, "COLUMNS_OUT_OF_RANGE", `from 1 to ${TINY.hiddenSize}`],
  [{ columns: 1.5 }, {}, "COLUMNS_OUT_OF_RANGE", "1.5 columns"],
  [{ columns: TINY.hiddenSize + 1 }, {}, "COLUMNS_OUT_OF_RANGE", "from 1 to"],
  [{}, { score: "frobenius" }, "SCORE_UNSUITED", "not made of singular values"],
  [{}, { confidence: true }, "SCORE_UNSUITED", "exact scores of every edge"],
] as const)("%j with %j is refused", async ({ columns }: { columns?: number }, more, code, text) => {
  const call = { ...options, ...more, ...coarsely("gga:2", n, columns) };
  await expect(scoreEdges(backbone, task, call)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(text),
  });
});

test("no edge is chosen by an estimate, and no selector that may take any edge goes by them", () => {
  const matrix = [
    [1, 2],
    [3, 4],
  ];
  const scores = { matrix, coarse: { columns: 3, exact: [{ from: 1, to: 1 }], error: 0.5 } };
  expect(select("top:1", { states: 2, scores }).placement).toEqual([{ from: 1, to: 1, rank: 8 }]);
  expect(() => select("top:2", { states: 2, scores })).toThrow(
    "edge (1, 0) would be taken, and its score is an estimate",
  );
  expect(select("1-0", { states: 2, scores }).placement).toEqual([{ from: 1, to: 0, rank: 8 }]); // named, not chosen
  for (const place of ["random:2", "greedy:2", "0-1"])
    expect(() => chooserOf(place, { states: 2 })).toThrow("with a coarse pass");
});

test("chooseMethod scores by a coarse pass where it is asked to", async () => {
  const { selection } = await chooseMethod("gga:2", backbone, task, { seed: 5, coarse: { columns: 4 } });
  const { selection: exact } = await chooseMethod("gga:2", backbone, task, { seed: 5 });
  expect(selection!.placement).toEqual(exact!.placement);
  for (const method of ["auto:2", "lora:q", "bitfit"])
    await expect(chooseMethod(method, backbone, task, { coarse: {} })).rejects.toMatchObject({
      code: "SELECTOR_UNSUITED",
    });
});

test("a coarse pass that was stopped goes on from its exact scores; another placement takes them over", async () => {
  const store: CheckpointStore & { bytes?: Uint8Array } = {
    load: async () => store.bytes,
    async save(bytes) {
      store.bytes = bytes;
    },
  };
  const whole = await scoreEdges(backbone, task, { ...options, ...coarsely("gga:3", n, 3) });
  const stop = new AbortController();
  const call = { ...options, ...coarsely("gga:3", n, 3), checkpoint: store };
  const stopped = scoreEdges(backbone, task, {
    ...call,
    signal: stop.signal,
    onProgress: ({ phase }) => phase === "ranks" && stop.abort(),
  });
  await expect(stopped).rejects.toThrow();
  expect(store.bytes).toBeDefined();
  const phases = new Set<string>();
  const watched = { ...call, onProgress: ({ phase }: { phase: string }) => void phases.add(phase) };
  expect(untimed(await scoreEdges(backbone, task, watched))).toEqual(untimed(whole));
  expect(phases).not.toContain("coarse ranks");
  phases.clear();
  expect(untimed(await scoreEdges(backbone, task, watched))).toEqual(untimed(whole));
  expect(phases.size).toBe(0);
  const more = await scoreEdges(backbone, task, { ...watched, ...coarsely("gga:6", n, 3) });
  expect(more.coarse!.exact.length).toBeGreaterThanOrEqual(whole.coarse!.exact.length);
  await expect(scoreEdges(backbone, task, { ...call, ...coarsely("gga:3", n, 4) })).rejects.toMatchObject({
    code: "CHECKPOINT_MISMATCH",
    message: expect.stringContaining('setting "coarse"'),
  });
});
