import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { pageOf, viewOf } from "../../src/cli/study-app.ts";
import { type StudyServer, serveStudyPage } from "../../src/cli/study-server.ts";
import { memoryStorage, type StudyRecord, StudySettings, type StudyStorage } from "../../src/study/index.ts";
import { launchChromium, noChromium } from "./chromium.ts";

const HOSTILE = '</script><img src=x onerror="globalThis.broken=1"><!--<script>';
const STATES = 25;

const recordOf = (name: string): StudyRecord => ({
  name,
  settings: StudySettings.parse({ tasks: ["count", HOSTILE], trials: 1000, seeds: 2 }),
  backbone: { name: "vit", hash: "abc", states: STATES },
  data: {},
  metrics: { count: "accuracy", [HOSTILE]: HOSTILE },
  createdAt: 0,
});

interface MadeRun {
  readonly method: string;
  readonly metric: number;
  readonly origin?: string;
  readonly task?: string;
}

/** Two trainings that end with the same metric. */
function addDone(storage: StudyStorage, { method, metric, origin = "random", task = "count" }: MadeRun): void {
  const { number } = storage.addTrial(task, { method }, origin);
  for (const seed of [0, 1]) {
    const run = { task, trial: number, seed };
    storage.startRun(run, HOSTILE);
    storage.log(run, `line of ${method}`);
    storage.report(run, { epoch: 1, value: metric, loss: 1 - metric });
    const evaluation = { value: metric, loss: 1 - metric };
    const trainableParameters = 1000 * (1 + (number % 7));
    storage.completeRun(run, {
      validation: evaluation,
      measured: evaluation,
      bestEpoch: 1,
      trainableParameters,
      seconds: 2 + number / 100,
    });
  }
}

function failed(storage: StudyStorage, error: string): void {
  const { number } = storage.addTrial("count", { method: "9-9@r8" }, "random");
  storage.startRun({ task: "count", trial: number, seed: 0 }, "w");
  storage.failRun({ task: "count", trial: number, seed: 0 }, error);
}

/** A baseline, `count` draws of one edge that is better the later it ends, and a failure: count + 2 trials. */
function sample(count: number, name = "sample"): StudyStorage {
  const storage = memoryStorage(recordOf(name));
  addDone(storage, { method: "all:parallel@r8", metric: 0.75, origin: "baseline" });
  for (let k = 0; k < count; k++) {
    const [from, to] = [k % STATES, Math.floor(k / STATES) % STATES];
    addDone(storage, { method: `${from}-${to}@r${k % 2 ? 8 : 32}`, metric: 0.5 + to / 100 + from / 10_000 });
  }
  failed(storage, HOSTILE);
  addDone(storage, { method: "1-2@r8", metric: 0.5, task: HOSTILE, origin: HOSTILE });
  return storage;
}

const folder = mkdtempSync(join(tmpdir(), "graft-study-page-"));
let [browser, page, server]: [Browser?, Page?, StudyServer?] = [];

beforeAll(async () => {
  if (!noChromium) browser = await launchChromium();
});
beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
afterEach(async () => {
  await page?.close();
  await server?.close();
  [page, server] = [undefined, undefined];
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

async function openReport(storage: StudyStorage, colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const path = join(folder, "report.html");
  writeFileSync(path, pageOf(viewOf(storage)));
  page = await browser!.newPage({ colorScheme, viewport: { width: 1400, height: 1000 } });
  await page.goto(pathToFileURL(path).href);
  return page;
}

const numbers = (page: Page) => page.locator(".trials tbody tr td:first-child").allTextContents();
const column = (page: Page, at: number) => page.locator(`.trials tbody tr td:nth-child(${at})`).allTextContents();

test("an edge that is pressed leaves its trials; pressed again all are back", async () => {
  const page = await openReport(sample(50));
  expect(await numbers(page)).toHaveLength(52);
  await page.click('[data-edge="3-1"]'); // k = 28, after the baseline
  expect(await numbers(page)).toEqual(["29"]);
  expect(await column(page, 2)).toEqual(["3-1@r32"]);
  await page.click('[data-edge="3-1"]');
  expect(await numbers(page)).toHaveLength(52);
});

test("headings sort both ways, what is not known stays last, and the filter finds states", async () => {
  const page = await openReport(sample(3)); // metrics .75, .5, .5001, .5002, and none
  expect(await numbers(page)).toEqual(["0", "3", "2", "1", "4"]);
  await page.click("th button:text('accuracy')");
  expect(await numbers(page)).toEqual(["1", "2", "3", "0", "4"]);
  expect(await page.getAttribute("th:has(button:text('accuracy'))", "aria-sort")).toBe("ascending");
  await page.fill("input[type=search]", "failed");
  expect(await numbers(page)).toEqual(["4"]);
});

test("keys alone reach an edge, its trials and a trial's error", async () => {
  const page = await openReport(sample(50));
  await page.focus('[data-edge="0-0"]');
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect(await column(page, 2)).toEqual(["1-1@r32"]); // k = 26
  const outline = await page.$eval(":focus-visible", (cell) => getComputedStyle(cell).outlineStyle);
  expect(outline).toBe("solid");
  await page.focus(".trials tbody button");
  await page.keyboard.press("Enter");
  await page.waitForSelector("section:focus");
  expect(await page.textContent("section:focus pre")).toBe("line of 1-1@r32");
});

test("names and errors that are HTML are shown as they are, and run nothing", async () => {
  const page = await openReport(sample(3, HOSTILE));
  expect(await page.title()).toBe(HOSTILE);
  expect(await page.textContent("h1")).toBe(HOSTILE);
  await page.click("[aria-label='Trial 4']");
  expect(await page.textContent("pre.failed")).toBe(HOSTILE);
  await page.click("nav button:nth-child(2)");
  expect(await column(page, 3)).toEqual([HOSTILE]);
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.evaluate("globalThis.broken")).toBeUndefined();
});

test.each(["light", "dark"] as const)(
  "text stands out in the %s theme: 4.5 to 1 or more, as WCAG 2 AA wants",
  async (theme) => {
    const page = await openReport(sample(30), theme);
    const colors = await page.$$eval("h1, h2, p, th, td, button:not([data-edge]), .soft, figure svg text", (elements) =>
      elements
        .filter((element) => element.textContent)
        .map((element) => {
          const style = getComputedStyle(element);
          return element.closest("svg") ? (style.fill === "none" ? style.color : style.fill) : style.color;
        }),
    );
    const paper = await page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    expect(colors.length).toBeGreaterThan(100);
    for (const color of new Set(colors)) expect(contrast(color, paper), color).toBeGreaterThanOrEqual(4.5);
  },
);

/** (L₁ + 0.05) / (L₂ + 0.05) of two `rgb(…)`, by WCAG 2's relative luminance. */
function contrast(a: string, b: string): number {
  const [low, high] = [a, b]
    .map((color) => {
      const [red, green, blue] = color.match(/[\d.]+/g)!.map((text) => {
        const value = Number(text) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
    })
    .toSorted((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

test("a thousand trials of two trainings open within a second of processor time, in a page below 500 kB and its data", async () => {
  const storage = sample(998);
  const view = viewOf(storage);
  expect(pageOf(view).length - JSON.stringify(view).length).toBeLessThan(500_000);
  const page = await openReport(storage);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  // Processor time of the page's process from its start to the first frame: by the clock a busy machine decides.
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  const seconds = metrics.find(({ name }) => name === "ProcessTime")!.value;
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(1);
  expect(await page.locator("figure svg").count()).toBeGreaterThanOrEqual(6);
  expect(await numbers(page)).toHaveLength(200);
  await page.click("button:text('Show all 1000')");
  expect(await numbers(page)).toHaveLength(1000);
});

test("the page asks nothing of the network", async () => {
  const storage = sample(3);
  const asked: string[] = [];
  page = await browser!.newPage();
  page.on("request", (request) => asked.push(request.url()));
  const path = join(folder, "alone.html");
  writeFileSync(path, pageOf(viewOf(storage)));
  await page.goto(pathToFileURL(path).href, { waitUntil: "networkidle" });
  expect(asked).toEqual([pathToFileURL(path).href]);
  expect(readFileSync(path, "utf8")).not.toMatch(/src="http|@import/);
});

test("a watched study shows a trial that is added, and keeps what was chosen", async () => {
  const storage = sample(3);
  server = await serveStudyPage(() => viewOf(storage), 0);
  page = await browser!.newPage();
  await page.goto(server.url);
  await page.click('[data-edge="1-0"]');
  expect(await numbers(page)).toEqual(["2"]);
  addDone(storage, { method: "1-0@r4", metric: 0.9 });
  await page.waitForFunction(() => document.querySelectorAll(".trials tbody tr").length === 2);
  expect(await numbers(page)).toEqual(["5", "2"]);
  await server.close();
  server = undefined;
  await page.waitForSelector("strong[role=status]");
});

test("a request for another host is refused", async () => {
  const storage = sample(1);
  server = await serveStudyPage(() => viewOf(storage), 0);
  const statusFor = (host: string) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`${server!.url}view.json`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      asked.on("error", reject).end();
    });
  const { host } = new URL(server.url);
  expect(await Promise.all([host, "evil.example", `evil.example:${host.split(":")[1]}`].map(statusFor))).toEqual([
    200, 403, 403,
  ]);
});
