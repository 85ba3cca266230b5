/**
 * From command to first step: wall time from the start of a process until its first training step is done, ours with the
 * built program (`npm run build` first) on pictures in a folder, PyTorch's with bench/peers/step/first_step.py, in turns.
 * `tsx bench/first-step.ts [--rounds 5] [--threads 2]` appends to docs/data/first-step.jsonl.
 */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { median, random } from "../src/base/index.ts";
import { randomEncoder } from "./random-encoder.ts";
import { PYTHON } from "./side.ts";

const BATCH = 8;
/** Two classes, as few pictures as fill a batch after a fifth has gone to validation and test. */
const PICTURES = 10;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: String(cpus().length) },
    out: { type: "string", default: "docs/data/first-step.jsonl" },
  },
});

const folder = mkdtempSync(join(tmpdir(), "graft-first-step-"));
await writePictures(join(folder, "pictures"));
const model = randomEncoder({ type: "vit", width: 768, blocks: 12 });
const graft = (...more: string[]) => [
  process.execPath,
  ...["dist/graft.js", "train", "--data", join(folder, "pictures"), "--place", "last:3", "--out", join(folder, "out")],
  ...["--overwrite", "--epochs", "1", "--batch-size", String(BATCH), "--threads", values.threads, ...more],
];
const sides: Readonly<Record<string, readonly string[]>> = {
  "graft, ViT-B/16": graft("--model", model),
  "PyTorch, ViT-B/16": [PYTHON, "bench/peers/step/first_step.py", model, String(BATCH), values.threads],
  "graft, embedded model": graft(),
};
const seconds: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++)
  for (const [name, command] of Object.entries(sides)) seconds[name]!.push(await untilFirstStep(command));
rmSync(folder, { recursive: true });
const machine = `${cpus().length} × ${cpus()[0]?.model}`;
const line = { date: new Date().toISOString(), machine, threads: Number(values.threads), seconds };
appendFileSync(values.out, `${JSON.stringify(line)}\n`);
for (const [name, all] of Object.entries(seconds)) console.log(`${name}: ${median(all).toFixed(2)} s`);

/** Seconds until a process says that its first step is done, ours that its epoch of one step is; it is then ended. */
function untilFirstStep([program, ...rest]: readonly string[]): Promise<number> {
  const begun = performance.now();
  const child = spawn(program!, rest, { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let text = "";
    let taken: number | undefined;
    const read = (data: Buffer) => {
      text += data.toString();
      if (taken !== undefined || !/first step done|epoch 1:/.test(text)) return;
      taken = (performance.now() - begun) / 1000;
      child.kill();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    child.on("close", () => (taken === undefined ? reject(new Error(text)) : resolve(taken)));
  });
}

async function writePictures(root: string): Promise<void> {
  const draw = random(1);
  for (let k = 0; k < PICTURES; k++) {
    const kind = join(root, k % 2 === 0 ? "even" : "odd");
    mkdirSync(kind, { recursive: true });
    const pixels = Uint8Array.from({ length: 3 * 224 * 224 }, () => draw.int(256));
    await sharp(pixels, { raw: { width: 224, height: 224, channels: 3 } })
      .png()
      .toFile(join(kind, `${k}.png`));
  }
}
