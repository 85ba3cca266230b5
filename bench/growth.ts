/**
 * How time and memory of a step grow with batch, sequence, depth, width and number of adapters, ours beside PyTorch's
 * (eager): one size is varied, the others stay at BASE. `npm run bench:growth` measures what docs/data/growth.jsonl lacks
 * of this run (`--run`, default today), prints the tables and draws them (docs/images/growth-*.svg); `--table` does that alone.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../src/base/index.ts";
import { markdownTable } from "../src/report/index.ts";
import { growthSvg } from "./growth-curves.ts";
import { readJsonLines } from "./json-lines.ts";
import { randomEncoder, VOCABULARY } from "./random-encoder.ts";
import { type Answer, openSide } from "./side.ts";

const BASE = { batch: 8, tokens: 128, blocks: 12, width: 384, adapters: 24 };
type Size = keyof typeof BASE;
const CURVES: Readonly<Record<Size, readonly number[]>> = {
  batch: [1, 2, 4, 8, 16, 32],
  tokens: [32, 64, 128, 256, 512],
  blocks: [3, 6, 12, 24],
  width: [192, 384, 768, 1024],
  adapters: [0, 1, 3, 6, 12, 24],
};
const ENGINES = ["graft", "eager"] as const;
const STEPS = 5;

interface PointLine {
  readonly run: string;
  readonly date: string;
  readonly machine: string;
  readonly threads: number;
  readonly sizes: typeof BASE;
  readonly sides: Readonly<
    Record<(typeof ENGINES)[number], { readonly stepSeconds: number[]; readonly peakBytes: number }>
  >;
}

const { values } = parseArgs({
  options: {
    run: { type: "string", default: new Date().toISOString().slice(0, 10) },
    curves: { type: "string", default: Object.keys(CURVES).join(",") },
    threads: { type: "string", default: String(cpus().length) },
    out: { type: "string", default: "docs/data/growth.jsonl" },
    table: { type: "boolean", default: false },
  },
});

if (!values.table)
  for (const curve of values.curves.split(",") as Size[])
    for (const at of CURVES[curve]) await measurePoint(pointOf(curve, at));
const measured = (Object.keys(CURVES) as Size[]).map((title) => ({ title, points: pointsOf(title) }));
const whole = measured.filter(({ points }) => points.length > 1);
for (const { title, points } of whole) printCurve(title, points);
for (const [what, title, unit] of [
  ["seconds", "Time of a training step", "seconds"],
  ["gigabytes", "Memory of a training", "GB"],
] as const) {
  const curves = whole.map(({ title, points }) => ({
    title,
    points: points.map((point) => ({ at: point.at, values: point[what] })),
  }));
  if (curves.length > 0) writeFileSync(`docs/images/growth-${what}.svg`, growthSvg(title, unit, curves));
}

/** In a shallower encoder every sub-layer still has its adapter, and no more. */
function pointOf(curve: Size, at: number): typeof BASE {
  const sizes = { ...BASE, [curve]: at };
  return curve === "adapters" ? sizes : { ...sizes, adapters: 2 * sizes.blocks };
}

async function measurePoint(sizes: typeof BASE): Promise<void> {
  const threads = Number(values.threads);
  if (
    find(
      readJsonLines<PointLine>(values.out).filter(({ run }) => run === values.run),
      sizes,
      threads,
    )
  )
    return;
  const { batch, tokens, blocks, width, adapters } = sizes;
  const folder = randomEncoder({ type: "bert", width, blocks });
  const spec = { folder, method: `early-${adapters}`, batch, tokens, threads, vocabulary: VOCABULARY };
  const opened = await Promise.all(ENGINES.map((engine) => openSide({ ...spec, engine })));
  const answers: Answer[][] = opened.map(() => []);
  for (let step = 0; step <= STEPS; step++)
    for (const [k, side] of opened.entries()) answers[k]!.push(await side.ask("steps", 1));
  for (const side of opened) await side.close();
  const sides = Object.fromEntries(
    ENGINES.map((engine, k) => [
      engine,
      // The first step warms up.
      { stepSeconds: answers[k]!.slice(1).map(({ seconds }) => seconds), peakBytes: answers[k]!.at(-1)!.peakBytes },
    ]),
  );
  const machine = `${cpus().length} × ${cpus()[0]?.model}`;
  const line = { run: values.run, date: new Date().toISOString(), machine, threads, sizes, sides };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  console.error(JSON.stringify(line));
}

interface Point {
  readonly at: number;
  /** Ours, PyTorch's. */
  readonly seconds: readonly [number, number];
  readonly gigabytes: readonly [number, number];
}

function pointsOf(curve: Size): readonly Point[] {
  const lines = readJsonLines<PointLine>(values.out);
  return CURVES[curve].flatMap((at) => {
    const sides = find(lines, pointOf(curve, at), Number(values.threads))?.sides;
    if (!sides) return [];
    const { graft, eager } = sides;
    const seconds = [median(graft.stepSeconds), median(eager.stepSeconds)] as const;
    return [{ at, seconds, gigabytes: [graft.peakBytes / 1e9, eager.peakBytes / 1e9] as const }];
  });
}

function printCurve(curve: Size, points: readonly Point[]): void {
  const rows = points.map(({ at, seconds: [ours, theirs], gigabytes }) => [
    String(at),
    ours.toFixed(3),
    theirs.toFixed(3),
    (theirs / ours).toFixed(2),
    ...gigabytes.map((each) => each.toFixed(2)),
  ]);
  const titles = [curve, "ours, s", "PyTorch, s", "PyTorch ÷ ours", "ours, GB", "PyTorch, GB"];
  console.log(`${markdownTable({ columns: titles.map((title) => ({ title, align: "right" })), rows })}\n`);
}

/** The newest measure of a point. */
function find(lines: readonly PointLine[], sizes: typeof BASE, threads: number): PointLine | undefined {
  const keys = Object.keys(BASE) as Size[];
  return lines.findLast((line) => line.threads === threads && keys.every((key) => line.sizes[key] === sizes[key]));
}
