import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { DeviceSteps } from "./device-step.ts";

/** The software Vulkan driver that comes with Debian's Chromium, and the loader beside it. */
const driver = process.env.VK_DRIVER_FILES ?? "/usr/lib/chromium/vk_swiftshader_icd.json";
// In CI that is no excuse: the device fails then.
const missing =
  existsSync(driver) || process.env.GRAFT_NO_SKIP === "1"
    ? undefined
    : `no Vulkan driver: install chromium, which brings ${driver}, or name one in $VK_DRIVER_FILES`;

/** The loader is found by the process's environment, which is read when it starts. */
async function stepsOn(device: string): Promise<{ cpu: DeviceSteps; device: DeviceSteps }> {
  const program = fileURLToPath(new URL("device-step.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program, device], {
    env: { ...process.env, VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: join(dirname(driver)) },
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout);
}

const largest = (values: readonly number[]) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);

test("training steps of the embedded model on WebGPU equal the CPU's", { timeout: 240_000 }, async (context) => {
  context.skip(missing !== undefined, missing);
  const { cpu, device } = await stepsOn("webgpu");
  cpu.losses.forEach((loss, k) => {
    expect(Math.abs(device.losses[k]! - loss)).toBeLessThan(1e-5 * loss);
  });
  expect(Math.abs(device.validationLoss - cpu.validationLoss)).toBeLessThan(1e-4 * cpu.validationLoss);
  const names = Object.keys(cpu.moments);
  expect(Object.keys(device.moments)).toEqual(names);
  const scale = largest(names.map((name) => largest(cpu.moments[name]!)));
  // Every parameter has a gradient that a wrong one would differ from.
  expect(names.filter((name) => largest(cpu.moments[name]!) < 1e-3 * scale)).toEqual([]);
  const errors = names.map((name) => largest(cpu.moments[name]!.map((x, k) => x - device.moments[name]![k]!)) / scale);
  await context.annotate(`largest difference of a gradient ${largest(errors)}`);
  expect(largest(errors)).toBeLessThan(1e-4);

  // Nothing falls back unsaid: what is left to the CPU is told, by operator.
  expect(device.notes[0]).toMatch(/^device webgpu: its self-test agrees with the CPU to \d\.\de-\d$/);
  const [, onDevice, nodes, rest] = /: (\d+) of (\d+) nodes of graph "vit" run on it(.*)$/.exec(device.notes[1]!)!;
  expect(Number(onDevice)).toBeGreaterThan(0.99 * Number(nodes));
  expect(rest).toBe(", on the CPU 1 LogSoftmax");
});
