import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { type JoinedFactors, openJoin } from "./join-factors.ts";
import type { ProbeFactors } from "./probe-pass.ts";

const [n, d, targets] = [3, 2, [0, 2]];

/** Batches of groups, of some rows each; the arrays of a kind are the same for all, as a pass has them. */
function* batchesOf(rows: number, groups: readonly number[], hasPlain: boolean): Generator<ProbeFactors> {
  const draw = random(1);
  const room = (length: number) => new Float32Array(length);
  const [states, plain, cotangents] = [room(n * d * rows), room(n * d * rows), room(targets.length * rows * d)];
  for (const [group, count] of groups.entries())
    for (let left = count; left > 0; left--) {
      for (const data of [states, plain, cotangents]) data.set(Float32Array.from(data, draw.normal));
      yield {
        states: { dtype: "float32", shape: [n * d, rows], data: states },
        ...(hasPlain && { plain: { dtype: "float32", shape: [n * d, rows], data: plain } }),
        cotangents: { dtype: "float32", shape: [targets.length, rows, d], data: cotangents },
        targets,
        sequences: 1,
        real: new Float32Array(rows).fill(1),
        examples: left === 1 ? 1 : 4,
        group,
        left,
      };
    }
}

async function joinedOf(rows: number, groups: readonly number[], hasPlain: boolean): Promise<JoinedFactors[]> {
  const all: JoinedFactors[] = [];
  const join = openJoin(async (factors) => void all.push(structuredClone(factors)));
  for (const factors of batchesOf(rows, groups, hasPlain)) await join(factors);
  return all;
}

const rowsOf = ({ parts }: JoinedFactors) => parts.map(({ rows }) => rows).reduce((a, b) => a + b);

/** Of each token, the states' column, the same of the first run, and the cotangents of the targets. */
function tokensOf(all: readonly JoinedFactors[]): number[][] {
  return all.flatMap((factors) => {
    const rows = rowsOf(factors);
    const columns = (tensor: JoinedFactors["plain"], row: number) =>
      tensor ? Array.from({ length: n * d }, (_, k) => Number(tensor.data[k * rows + row])) : [];
    const back = (row: number) =>
      targets.flatMap((_, t) =>
        Array.from({ length: d }, (_, c) => Number(factors.cotangents.data[(t * rows + row) * d + c])),
      );
    return Array.from({ length: rows }, (_, row) => [
      ...columns(factors.states, row),
      ...columns(factors.plain, row),
      ...back(row),
    ]);
  });
}

test.each([false, true])(
  "batches of a group stand side by side, token by token; states of a first run: %s",
  async (hasPlain) => {
    const joined = await joinedOf(1500, [5, 1, 2], hasPlain);
    expect(joined.map(({ group, parts }) => [group, ...parts.map(({ examples }) => examples)])).toEqual([
      [0, 4, 4],
      [0, 4, 4],
      [0, 1],
      [1, 1],
      [2, 4, 1],
    ]);
    for (const factors of joined) {
      const rows = rowsOf(factors);
      expect(factors.states.shape).toEqual([n * d, rows]);
      expect(factors.cotangents.shape).toEqual([targets.length, rows, d]);
    }
    const alone: JoinedFactors[] = [];
    for (const factors of batchesOf(1500, [5, 1, 2], hasPlain))
      alone.push(structuredClone({ ...factors, parts: [{ rows: 1500, examples: factors.examples }] }));
    expect(tokensOf(joined)).toEqual(tokensOf(alone));
  },
);

test("long batches come as they are", async () => {
  const joined = await joinedOf(1601, [3], false);
  expect(joined.map(({ parts }) => parts)).toEqual([4, 4, 1].map((examples) => [{ rows: 1601, examples }]));
});
