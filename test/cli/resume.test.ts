import { access, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { random } from "../../src/base/index.ts";
import { writeModel } from "../../src/graph/index.node.ts";
import { type ImageSplit, labelsOf } from "../../src/tasks/index.ts";
import { tinyPreNorm, tinyTask } from "../support/tiny-backbone.ts";
import { graft, startGraft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

let folder: string;
let common: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-resume-"));
  await writeModel((await tinyPreNorm()).graph, join(folder, "tiny.onnx"));
  const task = tinyTask({ train: 48, validation: 12, test: 12 });
  for (const [name, split] of Object.entries({ train: task.train, val: task.validation, test: task.test }))
    await writeImages(join(folder, "data", name), split, task.goal.classes);
  common = ["train", "--model", join(folder, "tiny.onnx"), "--data", join(folder, "data"), "--place", "1-2@r2,4-0@r3"];
  common.push("--epochs", "25", "--batch-size", "4", "--threads", "1", "--seed", "3", "--json");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeImages(path: string, split: ImageSplit, classes: readonly string[]): Promise<void> {
  for (const name of classes) await mkdir(join(path, name), { recursive: true });
  for (let index = 0; index < split.count; index++) {
    const planes = split.pixels(index);
    const interleaved = Uint8Array.from(planes, (_, k) => planes[(k % 3) * 64 + Math.floor(k / 3)]!);
    const file = join(path, classes[labelsOf(split)[index]!]!, `${index}.png`);
    await sharp(interleaved, { raw: { width: 8, height: 8, channels: 3 } })
      .png()
      .toFile(file);
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const trained = (out: string) => readFile(join(out, "adapters.safetensors"));
const lastLine = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1)!);

test("a run killed at random moments and resumed ends in the same bytes as one left alone", async () => {
  const alone = join(folder, "alone");
  const straight = await graft(...common, "--out", alone);
  expect(straight).toMatchObject({ code: 0 });

  const out = join(folder, "killed");
  const checkpoint = join(out, "checkpoint.safetensors");
  const draw = random(1);
  let kills = 0;
  for (let attempt = 0; attempt < 3; attempt++) {
    const run = startGraft(...common, "--out", out, "--checkpoint-seconds", "0", ...(attempt > 0 ? ["--resume"] : []));
    const before = (await exists(checkpoint)) ? await readFile(checkpoint) : undefined;
    // The first checkpoint of this process, then a random moment more: between steps, in one, in the middle of a save.
    let ended = false;
    run.finished.then(() => {
      ended = true;
    });
    const isNew = async () => (await exists(checkpoint)) && !before?.equals(await readFile(checkpoint));
    while (!ended && !(await isNew())) await sleep(5);
    await sleep(draw.int(250));
    run.kill("SIGKILL");
    if ((await run.finished).code === null) kills++;
    expect(await exists(checkpoint)).toBe(true);
  }
  expect(kills).toBeGreaterThan(0);

  const refused = await graftHere(...common, "--out", out, "--resume", "--learning-rate", "0.1");
  expect(refused.code).toBe(2);
  expect(lastLine(refused.stdout)).toMatchObject({ code: "CHECKPOINT_MISMATCH", thing: 'setting "learningRate"' });

  const end = await graft(...common, "--out", out, "--resume");
  expect(end).toMatchObject({ code: 0 });
  expect((await trained(out)).equals(await trained(alone))).toBe(true);
  const { validation, test } = lastLine(straight.stdout);
  expect(lastLine(end.stdout)).toMatchObject({ type: "result", validation, test });
}, 120_000);

test("a trained folder is not overwritten unless that is asked for", async () => {
  const out = join(folder, "kept");
  const quick = [...common, "--out", out, "--epochs", "1"];
  expect((await graftHere(...quick)).code).toBe(0);
  const [before, names] = [await trained(out), await readdir(out)];
  const refused = await graftHere(...quick, "--seed", "4");
  expect(refused.code).toBe(2);
  expect(lastLine(refused.stdout)).toMatchObject({
    code: "OUT_EXISTS",
    remedy: expect.stringContaining("--overwrite"),
  });
  expect((await trained(out)).equals(before)).toBe(true);
  expect(await readdir(out)).toEqual(names);
  expect((await graftHere(...quick, "--seed", "4", "--overwrite")).code).toBe(0);
  expect((await trained(out)).equals(before)).toBe(false);
}, 60_000);

test("a run that memory decided on goes on the same way when more is free, or less", async () => {
  const withFree = async (available: number, ...args: string[]) => {
    const free = vi.spyOn(process, "availableMemory").mockReturnValue(available);
    const { code, stderr } = await graftHere(...args.filter((arg) => arg !== "--json"));
    free.mockRestore();
    expect(code).toBe(0);
    return stderr;
  };
  const run = [...common, "--out", join(folder, "little"), "--epochs", "1"];
  expect(await withFree(1e6, ...run)).toContain("--micro-batch 1, the least there is");
  // Batches of 4, which is what `auto` stands for then.
  const again = await withFree(8e9, ...run, "--batch-size", "auto", "--resume");
  expect(again).toContain("batch size 4, as the run to resume has it");
  expect(again).toContain("--micro-batch 1, as the run to resume has it");
  expect(again).toContain("--recompute on, as the run to resume has it");
}, 60_000);
