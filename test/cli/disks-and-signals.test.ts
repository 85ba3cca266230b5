import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBadFiles } from "./bad-files.ts";

const program = fileURLToPath(new URL("../../dist/graft.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "disks-"));
const train = "train --model vit.onnx --data photos --place first:1 --quiet";

// Disks of our own, in a name space that ends with the command; as another user than root, where the system lets one.
const unshare = ["--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];
const ownsDisks = spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "none", "/tmp"]).status === 0;

beforeAll(async () => {
  await writeBadFiles(folder);
  mkdirSync(join(folder, "disk"));
  expect(shell(`graft ${train} --epochs 1 --out trained`)).toMatchObject({ status: 0, stderr: "" });
});
afterAll(() => rmSync(folder, { recursive: true }));

function shell(script: string, launcher: readonly string[] = []) {
  const [command, ...args] = [...launcher, "sh", "-c", `graft() { "$NODE" "$GRAFT" "$@"; }; ${script}`];
  const env = { ...process.env, NODE: process.execPath, GRAFT: program, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(command!, args, { cwd: folder, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Mount a disk, run a command, and list what lies on the disk after it. */
const onDisk = (mount: string, command: string) =>
  shell(`${mount}; ${command}; code=$?; ls -A disk; exit $code`, ["unshare", ...unshare]);

const tiny = (kilobytes: number) => `mount -t tmpfs -o size=${kilobytes}k none disk`;
const full = /^graft: "disk[^\n]*": the disk is full; nothing was left behind\. [^\n]+\n$/;

describe.skipIf(!ownsDisks)("disks", () => {
  test("no room for a checkpoint: nothing is left", () => {
    const finished = onDisk(tiny(4), `graft ${train} --epochs 1 --out disk/run`);
    expect(finished).toEqual({ status: 2, stdout: "", stderr: expect.stringMatching(full) });
  });

  test("room for the checkpoint, none for the model: the checkpoint is all there is, and it can be resumed elsewhere", () => {
    const finished = onDisk(tiny(24), `graft ${train} --epochs 1 --out disk`);
    expect(finished).toEqual({ status: 2, stdout: "checkpoint.safetensors\n", stderr: expect.stringMatching(full) });
  });

  test("no room for an export: what had its name is still there", () => {
    const finished = onDisk(
      `${tiny(24)}; echo old > disk/model.onnx`,
      "graft export --model trained --out disk/model.onnx; code=$?; cat disk/model.onnx; (exit $code)",
    );
    expect(finished).toEqual({ status: 2, stdout: "old\nmodel.onnx\n", stderr: expect.stringMatching(full) });
  });

  test.each([
    ["training", `graft ${train} --epochs 1 --out disk/run`],
    ["an export", "graft export --model trained --out disk/model.onnx"],
    ["a picture", "graft score --model vit.onnx --data photos --quiet --picture disk/map.svg"],
  ])("%s on a disk that is read-only", (_, command) => {
    const finished = onDisk("mount -t tmpfs none disk; mount -o remount,ro disk", command);
    expect(finished).toMatchObject({ status: 2, stdout: "" });
    expect(finished.stderr).toMatch(/^graft: "disk[^\n]*": the disk is read-only\. Choose a folder[^\n]+\n$/);
  });
});

test.each([
  ["SIGINT", 130, "Ctrl-C"],
  ["SIGTERM", 143, "a kill signal"],
] as const)("%s in the middle of a training: its line says how to go on", async (signal, code, why) => {
  const out = `run-${signal}`;
  const args = [program, ...train.replace("--quiet", "--json").split(" "), "--epochs", "1000000", "--out", out];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (part) => {
    stderr += part;
  });
  let isSent = false; // a second one would end it at once
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    if (isSent || !part.includes('"epoch"')) return;
    isSent = true;
    child.kill(signal);
  });
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(code);
  expect(stderr).toContain(`graft train: stopped by ${why}. The same command with --resume goes on\n`);
  expect(readdirSync(join(folder, out))).toEqual(["checkpoint.safetensors"]);
});

test("a reader of stdout that leaves ends a training without a word, and nothing is lost", () => {
  const { stdout, stderr } = shell(`graft ${train} --json --epochs 100000 --out piped | head -n 4 | wc -l`);
  expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: "4", stderr: "" });
  expect(existsSync(join(folder, "piped/checkpoint.safetensors"))).toBe(true);
});

test("stdin that is closed holds no scores", () => {
  const { status, stderr } = shell("graft select --scores - <&-");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^graft: stdin: the file is empty[^\n]+\n$/);
});
