import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { pageProgram } from "../../src/cli/page-program.ts";
import { mapPage } from "../../src/report/index.ts";
import { launchChromium, noChromium } from "./chromium.ts";

const HOSTILE = '</script><img src=x onerror="globalThis.broken=1"><!--<script>';
const folder = mkdtempSync(join(tmpdir(), "graft-map-page-"));
let [browser, page]: [Browser?, Page?] = [];

beforeEach(({ skip }) => skip(noChromium !== undefined, noChromium));
beforeAll(async () => {
  if (noChromium) return;
  const n = 13;
  const matrix = Array.from({ length: n }, (_, from) => Array.from({ length: n }, (_, to) => n * from + to));
  const map = { matrix, scoreName: HOSTILE, title: HOSTILE, chosen: [{ from: 12, to: 3 }] };
  const path = join(folder, "map.html");
  writeFileSync(path, mapPage({ map, arcs: { states: n, arcs: [{ from: 12, to: 3 }] } }, pageProgram("map-app")));
  browser = await launchChromium();
  page = await browser.newPage({ colorScheme: "dark", viewport: { width: 1000, height: 1200 } });
  await page.goto(pathToFileURL(path).href);
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const readout = () => page!.textContent("#readout");

test("a cell tells its edge to the pointer, and the keys go from cell to cell", async () => {
  // 500 / 13 = 38 pixels a cell; the map begins at (98, 132) of the picture.
  const box = (await page!.locator("#map svg").boundingBox())!;
  await page!.mouse.move(box.x + 98 + 38 * 3.5, box.y + 132 + 38 * 12.5);
  expect(await readout()).toBe(
    `12 → 3 · recurrent · reads after block 5's feed-forward, adds to after block 1's attention · ${HOSTILE} 159, 10. of 169 · chosen as 1.`,
  );
  await page!.mouse.move(1, 1);
  expect((await readout())!.trim()).toBe("");
  await page!.focus("#map");
  expect(await readout()).toMatch(/^0 → 0 · sequential/);
  for (const key of ["ArrowUp", "ArrowRight", "ArrowDown", "End"]) await page!.keyboard.press(key);
  expect(await readout()).toMatch(/^1 → 12 · long-range · reads after block 0's attention/);
  await page!.click('[data-edge="12-3"]');
  expect(await readout()).toMatch(/^12 → 3 /);
});

test("colours follow the system until the reader chooses", async () => {
  const colors = () =>
    page!.evaluate(() => {
      const of = (selector: string, key: "fill" | "backgroundColor") =>
        getComputedStyle(document.querySelector(selector)!)[key];
      return [of("body", "backgroundColor"), of("#map .paper", "fill"), of("#map text.ink", "fill")];
    });
  const dark = ["rgb(17, 20, 27)", "rgb(17, 20, 27)", "rgb(232, 235, 241)"];
  expect(await colors()).toEqual(dark);
  await page!.click("#themes button:text('light')");
  expect(await colors()).toEqual(["rgb(255, 255, 255)", "rgb(255, 255, 255)", "rgb(29, 35, 48)"]);
  await page!.click("#themes button:text('system')");
  expect(await colors()).toEqual(dark);
});

test("names that are HTML are shown as they are, and run nothing", async () => {
  expect(await page!.textContent("h1")).toBe(HOSTILE);
  expect(await page!.locator("img").count()).toBe(0);
  expect(await page!.evaluate("globalThis.broken")).toBeUndefined();
});

test("of some states a cell tells these, and what was not scored has no number", async () => {
  const states = [0, 3, 5];
  const matrix = states.map((from) => states.map((to) => (from === 5 || to === 5 ? Number.NaN : 10 * from + to)));
  const map = { matrix, states, scoreName: "srank", chosen: [{ from: 5, to: 3 }] };
  const path = join(folder, "some.html");
  writeFileSync(path, mapPage({ map, arcs: { states: 7, arcs: [] } }, pageProgram("map-app")));
  await page!.goto(pathToFileURL(path).href);
  await page!.click('[data-edge="3-0"]');
  expect(await readout()).toBe(
    "3 → 0 · recurrent · reads after block 1's attention, adds to input of block 0 · srank 30, 2. of 4",
  );
  await page!.click('[data-edge="5-3"]');
  expect(await readout()).toMatch(/^5 → 3 .* srank not measured · chosen as 1\.$/);
});
