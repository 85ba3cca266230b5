import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/index.ts";
import { asFloat32 } from "../../src/graph/index.ts";
import * as graft from "../../src/node.ts";
import { bundle } from "./bundle.ts";
import { launchChromium, noChromium, SOFTWARE_WEBGPU } from "./chromium.ts";
import { type StoppedRun, trainUntil } from "./scenarios.ts";
import { type Served, serve } from "./serve.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-webgpu-"));
let [browser, served]: [Browser?, Served?] = [];

beforeAll(async () => {
  if (noChromium) return;
  await bundle("page/webgpu.html", folder);
  served = await serve(folder);
}, 120_000);

beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));

afterAll(async () => {
  await browser?.close();
  await served?.close();
  rmSync(folder, { recursive: true });
});

async function openPage(more: readonly string[]): Promise<Page> {
  await browser?.close();
  browser = await launchChromium(more);
  const page = await browser.newPage();
  await page.goto(`${served!.origin}/webgpu.html`);
  await page.waitForFunction("globalThis.page !== undefined");
  return page;
}

// Gradients go back through two of twelve blocks: a software driver takes its time.
const SETTINGS = { batch: 2, placement: "20-21,8-23" };

/** The step after a checkpoint. */
const stepOn = (page: Page, device: string, at: number, from?: Uint8Array): Promise<StoppedRun> =>
  page.evaluate(
    ([device, at, more]) =>
      (globalThis as unknown as { page: { trainUntil(...args: unknown[]): Promise<StoppedRun> } }).page.trainUntil(
        device,
        at,
        more,
      ),
    [device, at, { ...SETTINGS, from }] as const,
  );

/** First moments, the blended gradients, by parameter. */
const moments = ({ checkpoint }: StoppedRun) =>
  new Map(
    [...decodeSafetensors(checkpoint).tensors]
      .filter(([name]) => name.startsWith("m/"))
      .map(([name, tensor]) => [name, asFloat32(tensor)]),
  );

const largest = (values: Iterable<number>) => [...values].reduce((max, value) => Math.max(max, Math.abs(value)), 0);

test("a step of the embedded model on WebGPU equals WebAssembly's", { timeout: 240_000 }, async ({ annotate }) => {
  // In Node, which is faster: two steps that move every adapter off its zero.
  const { checkpoint } = await trainUntil({ ...graft, openBackbone: () => graft.openBackbone() }, 2, SETTINGS);
  const page = await openPage(SOFTWARE_WEBGPU);
  const wasm = await stepOn(page, "wasm", 3, checkpoint);
  expect(await page.evaluate("page.notes()")).toEqual([]);
  const webgpu = await stepOn(page, "webgpu", 3, checkpoint);
  expect(Math.abs(webgpu.losses[0]! / wasm.losses[0]! - 1)).toBeLessThan(1e-5);
  const [expected, found] = [moments(wasm), moments(webgpu)];
  expect([...found.keys()]).toEqual([...expected.keys()]);
  // As a share of the parameter's largest, which is not 0.
  const errors = [...expected].map(
    ([name, values]) => largest(values.map((x, k) => x - found.get(name)![k]!)) / largest(values),
  );
  await annotate(`largest difference of a gradient ${largest(errors)} of its largest number`);
  expect(largest(errors)).toBeLessThan(1e-4);
  expect(largest(errors)).toBeGreaterThan(0); // it is another implementation, which rounds otherwise
  const notes = await page.evaluate("page.notes()");
  expect(notes).toEqual([
    expect.stringMatching(/^device webgpu: its self-test agrees with WebAssembly to \d\.\de-\d$/),
    'device webgpu: WebAssembly does the nodes of graph "vit" that WebGPU cannot',
  ]);
});

test("a page without WebGPU says so, and does not go on in WebAssembly", async () => {
  const page = await openPage(["--disable-features=WebGPUService"]);
  const error = await stepOn(page, "webgpu", 1).then(
    () => "none",
    ({ message }: Error) => message,
  );
  expect(error).toContain("device webgpu");
});
