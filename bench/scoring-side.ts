/**
 * Our side of bench/scoring.ts, as bench/peers/scoring/peer.py is the other: a process of its own that prints a line of JSON
 * when it is ready and answers each line it reads with one.
 */
import { createInterface } from "node:readline";
import { createBuilder, tensorOf } from "../src/graph/index.ts";
import { openBackbone, scoreEdges } from "../src/node.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import { chooserOf } from "../src/selection/index.ts";
import type { Split, Task } from "../src/tasks/index.ts";
import type { Head } from "../src/training/index.ts";
import type { ScoringSpec } from "./scoring.ts";

const CLASSES = 100;

const spec = JSON.parse(process.argv[2]!) as ScoringSpec;
const { threads, examples, place } = spec;
const backbone = await openBackbone(spec.folder);
const states = backbone.states.length;
const task = taskOf(examples, spec.side);
const head = headOf(2 * backbone.hiddenSize);
const product = await openMatMul();

async function scores() {
  const coarse = place === undefined ? undefined : { choose: chooserOf(place, { states }), columns: spec.columns };
  const begun = performance.now();
  let gradientSeconds = 0;
  const onProgress = ({ phase }: { phase: string }) => {
    if (phase === "gradients") gradientSeconds = (performance.now() - begun) / 1000;
  };
  const found = await scoreEdges(backbone, task, { head, examples, threads, coarse, onProgress });
  const exact = found.coarse?.exact.map(({ from, to }) => [from, to] as const);
  return { ranks: found.matrix, tieBreak: found.tieBreak, gradientSeconds, ...(exact && { exact }) };
}

/** The pictures of `pictures` in peer.py, made beforehand. */
function taskOf(count: number, side: number): Task {
  const size = 3 * side * side;
  const all = Array.from({ length: count }, (_, index) =>
    Uint8Array.from({ length: size }, (_, k) => ((index * size + k) * 31) % 256),
  );
  const targets = { kind: "classes", labels: Int32Array.from({ length: count }, (_, k) => k % CLASSES) } as const;
  const split: Split = { kind: "image", count, targets, pixels: (index) => all[index]! };
  const classes = Array.from({ length: CLASSES }, (_, k) => String(k));
  const goal = { kind: "classify", classes } as const;
  return { name: "bench", title: "", goal, train: split, validation: split, test: split, notes: [] };
}

/** As peer.py's `waves`. */
function headOf(width: number): Head {
  const weight = Float32Array.from({ length: width * CLASSES }, (_, k) => 0.02 * Math.cos(k));
  return new Map([
    ["head.weight", tensorOf("float32", [width, CLASSES], weight)],
    ["head.bias", tensorOf("float32", [CLASSES], new Float32Array(CLASSES))],
  ]);
}

async function openMatMul() {
  const [rows, inner, columns] = [8 * 197, 768, 3072];
  const ones = (size: number) => new Float32Array(size).fill(1);
  const g = createBuilder();
  const x = g.input("x", "float32", [rows, inner]);
  g.rename(g.matmul(x, g.constant(tensorOf("float32", [inner, columns], ones(inner * columns)), "w")), "y");
  const session = await nodeRuntime.open(g.toGraph(["y"]), { threads });
  const feeds = { x: { dtype: "float32", shape: [rows, inner], data: ones(rows * inner) } as const };
  const fetches = { y: { dtype: "float32", shape: [rows, columns], data: ones(rows * columns) } as const };
  const run = async () => {
    await session.run(feeds, fetches);
    return {};
  };
  await run();
  return run;
}

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, count } = JSON.parse(line) as { do: "scores" | "matmul"; count: number };
  const work = what === "scores" ? scores : product;
  let last = {};
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  for (let k = 0; k < count; k++) last = await work();
  const seconds = (performance.now() - begun) / 1000 / count;
  const { user, system } = process.cpuUsage(cpu);
  say({
    seconds,
    cpuSeconds: (user + system) / 1e6 / count,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    ...last,
  });
}
process.exit(0);
