import { expect, test } from "vitest";
import { randomMatrix } from "../../test/support/matrices.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { type EigenPool, openEigenPool } from "./eigen-pool.ts";
import { eigenvaluesSymmetric } from "./eigenvalues.ts";

const d = 33;
const count = 7;
const grams = Float64Array.from(randomMatrix(count * d, d, 5));
const expected = Array.from({ length: count }, (_, k) => eigenvaluesSymmetric(grams.subarray(k * d * d), d));
/** In messages of 3, 3 and 1. */
const found = async (pool: EigenPool) => {
  const parts = [0, 3, 6].map((start) => grams.slice(start * d * d, (start + 3) * d * d));
  const answers = await Promise.all(parts.map((part) => pool.eigenvalues(part, d)));
  return { values: answers.flatMap(({ values }) => values), grams: answers.flatMap(({ grams }) => [...grams]) };
};

/** A runtime that counts the threads it is asked for, and may have none. */
function counted(hasThreads: boolean) {
  const runtime = {
    started: 0,
    cores: 3,
    startWorker: async (source: string) => {
      runtime.started++;
      return hasThreads ? nodeRuntime.startWorker(source) : undefined;
    },
  };
  return runtime;
}

test.each([
  ["in threads, one a core", {}, true, 3],
  ["in two threads", { threads: 2 }, true, 2],
  ["in this thread, as told", { threads: 1 }, true, 0],
  ["in this thread, for so little", { operations: 1000 }, true, 0],
  ["in this thread, where there are no others", { threads: 2 }, false, 2],
])("eigenvalues %s are the same bits", async (_, options, hasThreads, started) => {
  const runtime = counted(hasThreads);
  const pool = await openEigenPool(runtime, options);
  try {
    expect(await found(pool)).toEqual({ values: expected, grams: [...grams] });
    // Another size, smaller than what a thread has room for.
    const { values } = await pool.eigenvalues(Float64Array.of(3, 0, 0, 1), 2);
    expect(values).toEqual([Float64Array.of(3, 1)]);
  } finally {
    await pool.close();
  }
  expect(runtime.started).toBe(started);
});

test("a matrix that is not finite is refused by a thread as by this one, with its place", async () => {
  const pool = await openEigenPool(nodeRuntime, { threads: 2 });
  const bad = grams.slice();
  bad[3 * d * d + 2 * d + 5] = Number.NaN;
  try {
    await expect(pool.eigenvalues(bad, d)).rejects.toMatchObject({ code: "NOT_FINITE", place: /^row 2, column 5 / });
    expect((await found(pool)).values).toEqual(expected); // the pool goes on
  } finally {
    await pool.close();
  }
});
