import { describe, expect, test } from "vitest";
import { type Comparison, compareMethods, type MethodRun } from "../comparison/index.ts";
import {
  countCurvesSvg,
  hasCurves,
  methodsCsv,
  methodsHtml,
  methodsLegend,
  methodsTable,
  terminalTable,
} from "./index.ts";

/** Two seeds; `full` is 10 and 14 points better than the linear head, so by 12 ± 12.7 · 2.83 / √2 points. */
async function comparison(run: Partial<MethodRun> = {}): Promise<Comparison> {
  const tests: Record<string, readonly number[]> = { linear: [0.5, 0.6], full: [0.6, 0.74] };
  return compareMethods<MethodRun>({
    methods: ["full"],
    seeds: [0, 1],
    run: async (job) => ({
      ...job,
      description: 'all <b> & "more"',
      learningRate: job.method === "linear" ? undefined : 2e-4,
      validation: { value: 0.5, loss: 1 },
      test: { value: tests[job.method]![job.seed]!, loss: 1 },
      trainableParameters: 1234,
      seconds: 2,
      peakMemoryBytes: 3e8,
      fileBytes: 5.5e6,
      latency: { baseMs: 2, tunedMs: 3, ratio: 1.5, pairs: 9 },
      ...run,
    }),
  });
}

test("the table shows means, spreads and the paired difference with its interval", async () => {
  const text = terminalTable(methodsTable(await comparison(), "accuracy"));
  const [, , linear, full] = text.split("\n");
  expect(linear).toMatch(/^linear +50\.0 ± 0\.0 +55\.0 ± 7\.1 +– +1,234 +– +2\.0 +0\.0 +300 +5\.50 +3\.0 +1\.50$/);
  expect(full).toContain("+12.0 [−13.4, +37.4]");
  expect(full).toContain("0.0002");
  expect(terminalTable(methodsTable(await comparison(), "spearman"))).toContain("+0.120 [−0.134, +0.374]");
});

test("a row that failed has no figures, and the legend says why", async () => {
  const failed = await comparison({ test: undefined, validation: undefined, failure: "loss NaN" });
  expect(terminalTable(methodsTable(failed, "accuracy"))).not.toContain("NaN");
  expect(methodsLegend(failed)).toContain("full failed: loss NaN");
});

test("the legend says what was trained in int8, and nothing where nothing was", async () => {
  const { rows, ...rest } = await comparison({ backbonePrecision: "int8" });
  const [linear, full] = rows;
  const plain = { ...full!, runs: full!.runs.map((run) => ({ ...run, backbonePrecision: "fp32" as const })) };
  expect(methodsLegend({ ...rest, rows }).join("\n")).toContain("in int8: all methods;");
  expect(methodsLegend({ ...rest, rows: [linear!, plain] }).join("\n")).toContain("in int8: linear;");
  expect(methodsLegend({ ...rest, rows: [plain] }).join("\n")).not.toContain("int8");
});

test("CSV has numbers as they are, and quotes what needs it", async () => {
  const [head, , full] = methodsCsv(await comparison(), "accuracy").split("\r\n");
  const values = full!.slice(full!.indexOf(",2,") + 3).split(",");
  const keys = head!.split(",").slice(3);
  expect(full).toMatch(/^full,"all <b> & ""more""",2,/);
  expect(Number(values[keys.indexOf("difference")])).toBeCloseTo(0.12, 12);
  expect(Number(values[keys.indexOf("learning_rate")])).toBe(2e-4);
});

describe("the page", () => {
  test("stands alone, follows the theme and escapes what it shows", async () => {
    const page = methodsHtml(await comparison(), "accuracy", "vit on <count>");
    expect(page).toContain("<h1>vit on &lt;count&gt;</h1>");
    expect(page).toContain('title="all &lt;b&gt; &amp; &quot;more&quot;"');
    expect(page).toContain("prefers-color-scheme:dark");
    // Nothing is loaded from anywhere: the only address is the SVG's name space.
    expect(page.match(/https?:[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
    expect(page).not.toMatch(/<(link|img)|@import|url\(/);
  });

  test("draws each difference where it is: a dot between the ends of its interval, 0 as a line", async () => {
    const page = methodsHtml(await comparison(), "accuracy", "x");
    const [, from, to] = /class="range" d="M([\d.]+) [\d.]+H([\d.]+)"/.exec(page)!.map(Number);
    const at = Number(/<circle cx="([\d.]+)"/.exec(page)![1]);
    const zero = Number(/class="zero" d="M([\d.]+) /.exec(page)![1]);
    expect(at).toBeCloseTo((from! + to!) / 2, 0);
    expect((at - zero) / (to! - zero)).toBeCloseTo(12 / 37.4, 2);
  });
});

describe("curves by number of adapters", () => {
  /** `gga` rises by a point with each adapter, `first` by half of one; random draws lie between 0.52 and 0.58, whatever their number. */
  const counted = () =>
    compareMethods<MethodRun>({
      methods: ["gga:1@r8", "gga:4@r8", "first:1@r8", "first:4@r8", "all:parallel@r8", "knn"],
      seeds: [0, 1],
      draws: 7,
      run: async (job) => {
        const [, name, count = 0] = /^([a-z]+):?(\d*)/.exec(job.method)!;
        const more = { gga: 0.01, first: 0.005, all: 0.1 }[name!] ?? 0;
        const value = name === "random" ? 0.52 + 0.01 * job.draw : 0.5 + more * Number(count || name === "all");
        return {
          ...job,
          description: "",
          validation: { value: 0.5, loss: 1 },
          test: { value, loss: 1 },
          trainableParameters: 1,
          seconds: 1,
        };
      },
    });

  test("are drawn where a selector has several numbers, and not otherwise", async () => {
    expect(hasCurves(["gga:1", "gga:4"])).toBe(true);
    expect(hasCurves(["random:3@1", "random:3@2"])).toBe(false);
    expect(hasCurves(["gga:1", "first:4", "lora:q", "knn", "auto:4", "auto:8"])).toBe(false);
    expect(countCurvesSvg(await comparison(), "accuracy", "x")).toBeUndefined();
    expect(methodsHtml(await counted(), "accuracy", "x")).toContain("by number of adapters");
  });

  test("rise where figures do, with random placements as a band and an adapter at every place across", async () => {
    const svg = countCurvesSvg(await counted(), "accuracy", "vit on <count>")!;
    expect(svg).toContain("vit on &lt;count&gt;, by number of adapters");
    expect(svg).toContain(
      "gga@r8: 51.0 with 1, 54.0 with 4. random@r8: 55.0 with 1, 55.0 with 4. first@r8: 50.5 with 1, 52.0 with 4.",
    );
    const [, left, low, right, high] = /class="series0 curve" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/
      .exec(svg)!
      .map(Number);
    const [, , first, , firstHigh] = /class="series1 curve" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/
      .exec(svg)!
      .map(Number);
    expect(right! - left!).toBeGreaterThan(400);
    expect((low! - high!) / (first! - firstHigh!)).toBeCloseTo(2, 1);
    const band = /class="box" d="M[\d.]+ ([\d.]+)L[\d.]+ [\d.]+L[\d.]+ ([\d.]+)L/.exec(svg)!.map(Number);
    // Two of 14 draws lie at either end of the band, on the scale on which 0.51 to 0.54 is gga's rise.
    expect((band[1]! - band[2]!) / (low! - high!)).toBeCloseTo(0.06 / 0.03, 1);
    expect(svg).toContain("all:parallel@r8: 60.0");
  });
});
