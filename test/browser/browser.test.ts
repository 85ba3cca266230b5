import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/index.ts";
import * as graft from "../../src/node.ts";
import { type Bundled, bundle } from "./bundle.ts";
import { launchChromium, noChromium } from "./chromium.ts";
import * as scenarios from "./scenarios.ts";
import { type Served, serve } from "./serve.ts";

type Scenarios = typeof scenarios;
type Rest<F> = F extends (graft: scenarios.Graft, ...rest: infer R) => unknown ? R : never;

const folder = mkdtempSync(join(tmpdir(), "graft-browser-"));
let [browser, app, isolated, open]: [Browser?, Bundled?, Served?, Served?] = [];

beforeAll(async () => {
  if (noChromium) return;
  app = await bundle("page/index.html", folder);
  isolated = await serve(folder);
  open = await serve(folder, { isolated: false });
  browser = await launchChromium();
}, 120_000);

beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));

afterAll(async () => {
  await browser?.close();
  await isolated?.close();
  await open?.close();
  rmSync(folder, { recursive: true });
});

let backbone: ReturnType<typeof graft.openBackbone> | undefined;
/** Node's side of every comparison. */
const inNode: scenarios.Graft = {
  ...graft,
  openBackbone() {
    backbone ??= graft.openBackbone();
    return backbone;
  },
};

const pages = new Map<string, Promise<Page>>();

/** Use a page, the app's unless told otherwise. It stays open: its next user finds the runtime started. */
async function inPage<T>(
  query: string,
  use: (page: Page) => Promise<T>,
  url = `${isolated!.origin}/index.html`,
): Promise<T> {
  const address = `${url}?${query}`;
  const opened = pages.get(address) ?? openPage(address);
  pages.set(address, opened);
  return use(await opened);
}

async function openPage(address: string): Promise<Page> {
  const page = await browser!.newPage();
  await page.goto(address);
  await page.waitForFunction("globalThis.page !== undefined");
  return page;
}

/** Run a scenario in a page. */
function run<K extends keyof Scenarios>(
  page: Page,
  name: K,
  ...rest: Rest<Scenarios[K]>
): Promise<Awaited<ReturnType<Scenarios[K]>>> {
  return page.evaluate(
    ([name, rest]) =>
      (globalThis as unknown as { page: Record<string, (...args: unknown[]) => unknown> }).page[name]!(...rest),
    [name, rest] as const,
  ) as never;
}

/** The code of the error that opening a backbone in a page ends with. */
const openingError = (page: Page, source = "builtin:vit", more = {}): Promise<{ code: string; message: string }> =>
  page.evaluate(
    ([source, more]) =>
      (globalThis as unknown as { page: { openBackbone(...args: unknown[]): Promise<unknown> } }).page
        .openBackbone(source, more)
        .then(
          () => ({ code: "none", message: "" }),
          ({ code, message }) => ({ code, message }),
        ),
    [source, more] as const,
  );

/** First moments by parameter after `m' = 0.9 m + 0.1 g`, so differences of two are 0.1 of those of the gradients. */
function moments(checkpoint: Uint8Array): Map<string, Float32Array> {
  const { tensors } = decodeSafetensors(checkpoint);
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith("m/"))
      .map(([name, { bytes }]) => [name, new Float32Array(bytes.slice().buffer)]),
  );
}

const largest = (values: Iterable<number>) => [...values].reduce((max, value) => Math.max(max, Math.abs(value)), 0);
const minus = (a: ArrayLike<number>, b: ArrayLike<number>, factor = 1) =>
  Float32Array.from(a, (value, k) => value - factor * b[k]!);

let recorded: Promise<{ start: Uint8Array; loss: number; m: Map<string, Float32Array> }> | undefined;

/** Three steps in Node move every adapter off its zero; the fourth is the one the page has to repeat. */
const recordStep = () => {
  recorded ??= (async () => {
    const start = (await scenarios.trainUntil(inNode, 3)).checkpoint;
    const fourth = await scenarios.trainUntil(inNode, 4, { from: start });
    return { start, loss: fourth.losses[0]!, m: moments(fourth.checkpoint) };
  })();
  return recorded;
};

test.for(["threads=1", "threads=2&proxy"])(
  "a step of the embedded model in the page equals Node's, loss and gradients (%s)",
  async (query, { annotate }) => {
    const { start, loss, m } = await recordStep();
    const [stopped, threads] = await inPage(query, async (page) => [
      await run(page, "trainUntil", 4, { from: start }),
      await page.evaluate("page.threads()"),
    ]);
    expect(threads).toBe(query.startsWith("threads=1") ? 1 : 2);
    expect(stopped.losses).toHaveLength(1);
    expect(Math.abs(stopped.losses[0]! - loss)).toBeLessThan(1e-5 * Math.abs(loss));
    const [before, found] = [moments(start), moments(stopped.checkpoint)];
    expect([...found.keys()]).toEqual([...m.keys()]);
    const gradients = new Map([...m].map(([name, values]) => [name, largest(minus(values, before.get(name)!, 0.9))]));
    const scale = largest(gradients.values());
    expect([...gradients].filter(([, size]) => !(size > 0))).toEqual([]);
    const errors = [...m].map(([name, values]) => largest(minus(values, found.get(name)!)) / scale);
    await annotate(`loss ${loss}; largest error of a gradient ${largest(errors)} of the largest gradient`);
    expect(largest(errors)).toBeLessThan(1e-5);
  },
);

test("an update that threads of the page share is Node's", async () => {
  const expected = await scenarios.lossesOfMany(inNode);
  const found = await inPage("threads=2&proxy", (page) => run(page, "lossesOfMany"));
  expect(found).toHaveLength(3);
  expect(expected[2]).not.toBeCloseTo(expected[0]!, 3);
  for (const [step, loss] of found.entries()) expect(Math.abs(loss - expected[step]!)).toBeLessThan(1e-4);
});

test("steps over an int8 backbone in the page are Node's, but for numbers at the edge of rounding", async ({
  annotate,
}) => {
  const steps = 2;
  const { losses } = await scenarios.trainUntil(inNode, steps, { backbonePrecision: "int8" });
  const int8 = await inPage("threads=1", (page) => run(page, "trainUntil", steps, { backbonePrecision: "int8" }));
  const float = await inPage("threads=1", (page) => run(page, "trainUntil", steps));
  const secondsOf = ({ times }: scenarios.StoppedRun) => (times.at(-1)! - times[0]!) / 1000 / (steps - 1);
  await annotate(
    `first losses ${int8.losses[0]}, in Node ${losses[0]}; a step in the page: ${secondsOf(float).toFixed(3)} s in float32, ${secondsOf(int8).toFixed(3)} s in int8`,
  );
  // A last bit that differs flips a rounding, which flips more in the next block: the two agree as far as int8 goes.
  expect(Math.abs(int8.losses[0]! / losses[0]! - 1)).toBeLessThan(0.03);
  expect(Math.abs(int8.losses[0]! / float.losses[0]! - 1)).toBeLessThan(0.03);
  expect(int8.losses).not.toEqual(float.losses);
});

let trained: Promise<scenarios.ShortRun> | undefined;
const trainedInPage = () => {
  trained ??= inPage("threads=1", (page) => run(page, "trainAndExport"));
  return trained;
};

test("a model trained and exported in the page runs in Node with the page's logits", async () => {
  const { phases, model, logits } = await trainedInPage();
  expect(phases).toEqual(
    expect.arrayContaining(["features: 64 examples", "frozen values: 64 examples", "train: 4 steps"]),
  );
  const pixels = await scenarios.testPixels(inNode);
  const session = await InferenceSession.create(model);
  const output = await session.run({ [session.inputNames[0]!]: new Tensor("float32", pixels, [20, 3, 32, 32]) });
  await session.release();
  expect(Object.keys(output)).toEqual(["logits"]);
  expect(logits).toHaveLength(output.logits!.size);
  expect(largest(minus(output.logits!.data as Float32Array, logits)) / largest(logits)).toBeLessThan(1e-5);
});

test("a worker keeps in files what memory has no room for, and nothing of them stays", async () => {
  const query = "threads=1&worker&keptBytes=0";
  expect(await inPage(query, (page) => run(page, "temporaryFiles", "of-a-page-that-crashed"))).toHaveLength(1);
  expect(await inPage(query, (page) => run(page, "keepRecords"))).toEqual(await scenarios.keepRecords(inNode));
  const found = await inPage(query, (page) => run(page, "trainAndExport"));
  expect(found.phases).toContain("frozen values: 64 examples");
  expect(await inPage(query, (page) => run(page, "temporaryFiles"))).toEqual([]);
  expect(Buffer.compare(found.model, (await trainedInPage()).model)).toBe(0);
});

test("a page's own thread keeps nothing that memory has no room for", async () => {
  expect(await inPage("threads=1&keptBytes=0", (page) => run(page, "keepRecords"))).toEqual(["no room"]);
});

test("scores in the page are Node's, but for ranks at the edge of the threshold", async () => {
  const found = (await inPage("threads=1", (page) => run(page, "scoreMatrix"))).flat();
  const expected = (await scenarios.scoreMatrix(inNode)).flat();
  expect(found).toHaveLength(625);
  expect(new Set(expected).size).toBeGreaterThan(5);
  const differences = found.map((rank, k) => Math.abs(rank - expected[k]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(differences.filter((difference) => difference > 0).length).toBeLessThan(63);
});

test("a picture is brought to a model's size alike in the page and in Node, to the bit", async () => {
  const found = await inPage("threads=1", (page) => run(page, "fittedPixels"));
  expect(found).toHaveLength(20 * 3 * 20 * 24);
  expect(found).toEqual(await scenarios.fittedPixels(inNode));
});

test("a long call in the page stops where its signal says", async () => {
  expect(await inPage("threads=1", (page) => run(page, "abortScoring"))).toEqual({ name: "AbortError", reports: 1 });
});

test("every type fills the buffers it is given, in the page as in Node", async () => {
  const expected = {
    double: `Float64Array ${(1 + 2 ** -40) ** 2} 4`,
    long: `BigInt64Array ${2n ** 41n} 0`,
    half: `Uint16Array ${0x3c00} ${0xc000}`,
    small: "Int32Array 0 0",
    flag: "Uint8Array 1 0",
  };
  expect(await scenarios.runTypes(inNode)).toEqual(expected);
  expect(await inPage("threads=1", (page) => run(page, "runTypes"))).toEqual(expected);
  expect(await inPage("threads=1", (page) => run(page, "runIntoWrongBuffer"))).toBe("RUNTIME_FETCH");
});

test("a page that cannot do it says why", async () => {
  await inPage(
    "threads=2",
    async (page) => expect((await openingError(page)).message).toContain("Cross-Origin-Opener-Policy"),
    `${open!.origin}/index.html`,
  );
  await inPage("threads=1", async (page) => {
    expect(await openingError(page)).toMatchObject({ code: "none" });
    expect(await openingError(page, "builtin:vit", { threads: 2 })).toMatchObject({ code: "RUNTIME_THREADS" });
    expect(await openingError(page, "builtin:vitt")).toMatchObject({ code: "UNKNOWN_MODEL" });
    expect(await openingError(page, "/nowhere.onnx")).toMatchObject({ code: "FETCH_FAILED" });
  });
  await inPage("wasm=/nowhere/", async (page) =>
    expect(await openingError(page)).toMatchObject({
      code: "RUNTIME_WASM",
      message: expect.stringContaining("ort.env.wasm.wasmPaths"),
    }),
  );
});

test("a page without cross-origin isolation works on one thread", async () => {
  await inPage(
    "",
    async (page) => {
      expect(await openingError(page)).toMatchObject({ code: "none" });
      expect(await page.evaluate("page.threads()")).toBe(1);
    },
    `${open!.origin}/index.html`,
  );
});

test("the app's bundle holds graft, ONNX Runtime and the model, each once", () => {
  const from = (part: string) => app!.modules.filter((id) => id.includes(part));
  expect(from("/dist/browser.js")).toHaveLength(1);
  expect(from("/onnxruntime-web/")).toHaveLength(1);
  expect(app!.assets.filter((name) => /\.(onnx|wasm)$/.test(name)).map((name) => name.replace(/-\w+\./, "."))).toEqual(
    expect.arrayContaining([expect.stringMatching(/vit.*\.onnx$/), expect.stringMatching(/\.wasm$/)]),
  );
});

test("the core leaves ONNX Runtime to the moment it is needed, and is small", async ({ annotate }) => {
  const coreFolder = mkdtempSync(join(tmpdir(), "graft-core-"));
  const core = await bundle("page/core.html", coreFolder, ["onnxruntime-web/wasm"]);
  const served = await serve(coreFolder);
  try {
    expect(core.modules.some((id) => id.endsWith("/dist/browser.js"))).toBe(true);
    expect(core.modules.filter((id) => /onnxruntime-(web|node)|\/sharp\/|resvg/.test(id))).toEqual([]);
    expect(core.chunks.flatMap((chunk) => chunk.imports.filter((name) => !name.startsWith("assets/")))).toEqual([]);
    expect(core.chunks.flatMap((chunk) => chunk.dynamicImports)).toContain("onnxruntime-web/wasm");
    const bytes = core.chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0);
    await annotate(`the core is ${bytes} bytes, minified`);
    expect(bytes).toBeLessThan(600_000);
    const error = await inPage("", (page) => openingError(page), `${served.origin}/core.html`);
    expect(error.code).toBe("RUNTIME_MISSING");
    expect(error.message).toContain("npm install onnxruntime-web");
  } finally {
    await served.close();
    rmSync(coreFolder, { recursive: true });
  }
});
