import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { MethodRun } from "../comparison/index.ts";
import { openJournal, RUNS_FILE } from "./run-journal.ts";

const folder = await mkdtemp(join(tmpdir(), "graft-journal-"));
afterAll(() => rm(folder, { recursive: true }));

const run = (seed: number): MethodRun => ({
  method: "full",
  seed,
  draw: 0,
  rateFactor: 1,
  isTrial: false,
  description: "all",
  validation: { value: Number.NaN, loss: 1 },
  trainableParameters: 1,
  seconds: 1,
});

test("runs come back as they were, but for one that was cut off", async () => {
  const out = join(folder, "a");
  const first = await openJournal(out, { epochs: 4 });
  expect(first.finished).toEqual([]);
  await first.append(run(0));
  await first.append(run(1));
  const path = join(out, RUNS_FILE);
  const whole = await readFile(path, "utf8");
  await writeFile(path, whole.slice(0, -3));
  const second = await openJournal(out, { epochs: 4, gone: undefined });
  expect(second.finished).toEqual([run(0)]);
  await second.append(run(1));
  expect(await readFile(path, "utf8")).toBe(whole);
});

test("other settings are refused by name, and so is a file that is no comparison's", async () => {
  const out = join(folder, "b");
  await openJournal(out, { epochs: 4, task: "count" });
  await expect(openJournal(out, { epochs: 5, task: "count" })).rejects.toThrow(
    /setting "epochs": .* was made with 4, this comparison has 5/,
  );
  await writeFile(join(out, RUNS_FILE), "hello\n");
  await expect(openJournal(out, { epochs: 4 })).rejects.toMatchObject({ code: "COMPARE_MISMATCH" });
});
