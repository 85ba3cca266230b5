import { expect, test } from "vitest";
import { randomMatrix } from "../../test/support/matrices.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { type EigenPool, openEigenPool } from "./eigen-pool.ts";
import { eigenvaluesSymmetric } from "./eigenvalues.ts";

const d = 33;
const count = 7;
const grams = Array.from({ length: count }, (_, k) => randomMatrix(d, d, 5 + k));
const expected = grams.map((gram) => eigenvaluesSymmetric(gram, d));
const found = (pool: EigenPool) => Promise.all(grams.map((gram) => pool.eigenvalues(gram.slice(), d)));

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
    const all = await found(pool);
    expect(all.map(({ values }) => values)).toEqual(expected);
    expect(all.map(({ gram }) => gram)).toEqual(grams);
    // Another size, smaller than what a thread has room for.
    const { values } = await pool.eigenvalues(Float64Array.of(3, 0, 0, 1), 2);
    expect(values).toEqual(Float64Array.of(3, 1));
  } finally {
    await pool.close();
  }
  expect(runtime.started).toBe(started);
});

test("a matrix that is not finite is refused by a thread as by this one, with its place", async () => {
  const pool = await openEigenPool(nodeRuntime, { threads: 2 });
  const bad = grams[3]!.slice();
  bad[2 * d + 5] = Number.NaN;
  try {
    await expect(pool.eigenvalues(bad, d)).rejects.toMatchObject({ code: "NOT_FINITE", place: /^row 2, column 5 / });
    expect((await found(pool)).map(({ values }) => values)).toEqual(expected); // the pool goes on
  } finally {
    await pool.close();
  }
});
