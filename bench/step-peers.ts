/**
 * A training step beside PyTorch's: forward, backward and AdamW of the same model, weights, batch and thread count, the sides
 * taking turns in one run. `npm run bench:peers` measures the rows that this run (`--run`, default today) lacks, appends
 * them to docs/data/step-peers.jsonl and prints the table; `--table` prints it alone. Python: bench/peers/step/README.md.
 */
import { appendFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../src/base/index.ts";
import { markdownTable } from "../src/report/index.ts";
import { nodeRuntimeFacts } from "../src/runtime/index.node.ts";
import { readJsonLines } from "./json-lines.ts";
import { type EncoderSizes, IMAGE_SIDE, randomEncoder, VOCABULARY } from "./random-encoder.ts";
import { openSide, type Side, type SideSpec } from "./side.ts";

const DATA = "docs/data/step-peers.jsonl";
const BATCH = 8;
const MODELS: Readonly<Record<string, EncoderSizes & Pick<SideSpec, "tokens" | "side" | "vocabulary">>> = {
  "ViT-B/16": { type: "vit", width: 768, blocks: 12, side: IMAGE_SIDE },
  "BERT-base": { type: "bert", width: 768, blocks: 12, tokens: 128, vocabulary: VOCABULARY },
};

type Variant = Pick<SideSpec, "engine" | "precision" | "cached">;
const PYTORCH: readonly Variant[] = [{ engine: "eager" }, { engine: "compile" }];
const PLAIN: Variant = { engine: "graft" };
const CACHED: Variant = { engine: "graft", cached: true };
const INT8: Variant = { engine: "graft", precision: "int8" };
const METHODS: Readonly<Record<string, readonly Variant[]>> = {
  "adapters-24": [...PYTORCH, { engine: "adapters" }, PLAIN, INT8],
  "late-3": [...PYTORCH, PLAIN, CACHED, INT8, { ...INT8, cached: true }],
  "early-3": [...PYTORCH, PLAIN, INT8],
  lora: [...PYTORCH, PLAIN, INT8],
  head: [...PYTORCH, PLAIN, CACHED],
  full: [...PYTORCH, PLAIN],
};
const TITLES: Readonly<Record<string, string>> = {
  "adapters-24": "24 parallel adapters",
  "late-3": "3 late adapters",
  "early-3": "3 early adapters",
  lora: "LoRA on q and v",
  head: "linear head",
  full: "full fine-tuning",
};

/** What a side did, in the order of the rounds. */
interface SideLine {
  readonly stepSeconds: readonly number[];
  readonly cpuSeconds: readonly number[];
  /** Rate of a bare product, GFLOP/s. */
  readonly matmulRates: readonly number[];
  /** Of the first steps, from the same parameters. */
  readonly losses: readonly number[];
  readonly trainable: number;
  readonly openSeconds: number;
  readonly peakBytes: number;
  /** Why there are no figures. */
  readonly failed?: string;
}

interface RowLine {
  readonly run: string;
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly model: string;
  readonly method: string;
  readonly batch: number;
  readonly threads: number;
  readonly sides: Readonly<Record<string, SideLine>>;
}

const { values } = parseArgs({
  options: {
    run: { type: "string", default: new Date().toISOString().slice(0, 10) },
    models: { type: "string", default: Object.keys(MODELS).join(",") },
    methods: { type: "string", default: Object.keys(METHODS).join(",") },
    threads: { type: "string", default: String(cpus().length) },
    rounds: { type: "string", default: "5" },
    out: { type: "string", default: DATA },
    table: { type: "boolean", default: false },
  },
});

async function measureRow(model: string, method: string, threads: number): Promise<void> {
  const isKnown = (line: RowLine) =>
    line.run === values.run && line.model === model && line.method === method && line.threads === threads;
  if (readJsonLines<RowLine>(values.out).some(isKnown)) return;
  const { type, width, blocks, ...shape } = MODELS[model]!;
  const folder = randomEncoder({ type, width, blocks });
  const spec = { folder, method, batch: BATCH, threads, ...shape };
  const { sides, python } = await takeTurns(METHODS[method]!, spec, Number(values.rounds));
  const line: RowLine = {
    run: values.run,
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    versions: { node: process.version, onnxruntime: (await nodeRuntimeFacts()).version, torch: python },
    model,
    method,
    batch: BATCH,
    threads,
    sides,
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  console.error(`${model}, ${method}, ${threads} threads: ${summary(line)}`);
}

/** Open every side, warm each up, then let them take turns, another one first in each round. */
async function takeTurns(variants: readonly Variant[], spec: Omit<SideSpec, "engine">, rounds: number) {
  const opened: { name: string; side: Side; line: Omit<Mutable<SideLine>, "failed"> }[] = [];
  const sides: Record<string, SideLine> = {};
  for (const variant of variants) {
    const name = nameOf(variant);
    try {
      const side = await openSide({ ...spec, ...variant });
      const { losses, peakBytes } = await side.ask("steps", 3);
      const { trainable, openSeconds } = side;
      const empty = { stepSeconds: [], cpuSeconds: [], matmulRates: [] };
      opened.push({ name, side, line: { ...empty, losses: [...losses], trainable, openSeconds, peakBytes } });
    } catch (error) {
      sides[name] = { ...NOTHING, failed: String(error).slice(0, 500) };
      console.error(`${name}: ${sides[name].failed}`);
    }
  }
  for (let round = 0; round < rounds; round++)
    for (let k = 0; k < opened.length; k++) {
      const { side, line } = opened[(k + round) % opened.length]!;
      const { seconds: productSeconds } = await side.ask("matmul", 5);
      const { seconds, cpuSeconds, peakBytes } = await side.ask("steps", 1);
      line.matmulRates.push(MATMUL_GFLOP / productSeconds);
      line.stepSeconds.push(seconds);
      line.cpuSeconds.push(cpuSeconds);
      line.peakBytes = peakBytes;
    }
  for (const { name, side, line } of opened) {
    await side.close();
    sides[name] = line;
  }
  return { sides, python: opened.find(({ side }) => side.version)?.side.version ?? "none" };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

const NOTHING: SideLine = {
  stepSeconds: [],
  cpuSeconds: [],
  matmulRates: [],
  losses: [],
  trainable: 0,
  openSeconds: 0,
  peakBytes: 0,
};

const MATMUL_GFLOP = (2 * 8 * 197 * 768 * 3072) / 1e9;

/** PyTorch's product must run at this share of ours, or its setup is wrong. */
const LEAST_RATE = 0.8;
/** Relative difference of losses up to which two sides did the same work. */
const LOSS_TOLERANCE = 1e-3;

const nameOf = ({ engine, precision = "fp32", cached = false }: Variant): string =>
  [engine, ...(precision === "fp32" ? [] : [precision]), ...(cached ? ["cached"] : [])].join(" ");

const isOurs = (name: string) => name.startsWith("graft");

/** The better of PyTorch's two ways to run the same model. */
function bestPeer({ sides }: RowLine): readonly [string, SideLine] | undefined {
  const done = Object.entries(sides).filter(([name, side]) => /^(eager|compile)$/.test(name) && !side.failed);
  return done.sort(([, a], [, b]) => median(a.stepSeconds) - median(b.stepSeconds))[0];
}

const summary = (line: RowLine): string =>
  Object.entries(line.sides)
    .map(([name, { stepSeconds, failed }]) => `${name} ${failed ? "failed" : `${median(stepSeconds).toFixed(2)} s`}`)
    .join(", ");

/** One line a variant of ours, of the newest measure of each row; another against the library `adapters` where it ran. */
function printTable(): void {
  const newest = new Map(
    readJsonLines<RowLine>(values.out).map((line) => [`${line.model} ${line.method} ${line.threads}`, line]),
  );
  const rows = [...newest.values()].flatMap((line) => {
    const peer = bestPeer(line);
    const ours = Object.entries(line.sides).filter(([name, side]) => isOurs(name) && !side.failed);
    const { adapters, graft } = line.sides;
    const pairs = [
      ...(peer ? ours.map((own) => [own, peer] as const) : []),
      ...(adapters && graft && !adapters.failed
        ? [
            [
              ["graft", graft],
              ["adapters", adapters],
            ] as const,
          ]
        : []),
    ];
    return pairs.map(([[name, side], [peerName, peerSide]]) => [
      line.model,
      TITLES[line.method] ?? line.method,
      String(line.threads),
      name,
      median(side.stepSeconds).toFixed(2),
      `${median(peerSide.stepSeconds).toFixed(2)} (${peerName})`,
      verdict(name, side, peerName, peerSide),
      (median(peerSide.cpuSeconds) / median(side.cpuSeconds)).toFixed(2),
      `${median(side.matmulRates).toFixed(0)} / ${median(peerSide.matmulRates).toFixed(0)}`,
      `${gigabytes(side)} / ${gigabytes(peerSide)}`,
    ]);
  });
  const titles = ["model", "trained", "threads", "ours", "s a step", "PyTorch, s", "PyTorch ÷ ours"];
  const more = ["the same in processor time", "bare product, GFLOP/s", "peak memory, GB"];
  const columns = [...titles, ...more].map((title, k) => ({ title, align: k > 3 ? "right" : "left" }) as const);
  console.log(markdownTable({ columns, rows }));
}

const gigabytes = ({ peakBytes }: SideLine) => (peakBytes / 1e9).toFixed(2);

/** How many times faster we are; void where the sides cannot be compared. */
function verdict(name: string, ours: SideLine, peerName: string, peer: SideLine): string {
  if (median(peer.matmulRates) < LEAST_RATE * median(ours.matmulRates)) return "void: PyTorch's product is slow";
  const isSameWork = peerName !== "adapters" && !name.includes("int8");
  const differs = (loss: number, k: number) => Math.abs(loss / peer.losses[k]! - 1) > LOSS_TOLERANCE;
  if (isSameWork && ours.losses.some(differs)) return "void: the losses differ";
  return `${(median(peer.stepSeconds) / median(ours.stepSeconds)).toFixed(2)} ×`;
}

if (!values.table)
  for (const threads of values.threads.split(",").map(Number))
    for (const method of values.methods.split(","))
      for (const model of values.models.split(",")) await measureRow(model, method, threads);
printTable();
