/**
 * Scores of all edges beside PyTorch's, exact and by a coarse pass: the same model, weights, probe, head and thread count, a
 * process a side, the sides taking turns in one run. `npx tsx bench/scoring.ts` measures, appends a line to docs/data/scoring.jsonl and
 * prints the table; `--table` prints it alone. Python: bench/peers/scoring/README.md.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../src/base/index.ts";
import { markdownTable } from "../src/report/index.ts";
import { nodeRuntimeFacts } from "../src/runtime/index.node.ts";
import { chooserOf } from "../src/selection/index.ts";
import { readJsonLines } from "./json-lines.ts";
import { IMAGE_SIDE, randomEncoder } from "./random-encoder.ts";
import { linesOf, PYTHON, peerEnvironment } from "./side.ts";

/** What a side is told. */
export interface ScoringSpec {
  readonly folder: string;
  readonly engine: "graft" | "svdvals" | "eigvalsh";
  readonly threads: number;
  readonly examples: number;
  readonly batch: number;
  readonly side: number;
  /** Of a coarse pass: what it is to choose. */
  readonly place?: string;
  readonly columns?: number;
}

interface Answer {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** Until the gradients (or, coarsely, both factors) were there. */
  readonly gradientSeconds?: number;
  readonly ranks?: readonly (readonly number[])[];
  readonly tieBreak?: readonly (readonly number[])[];
  readonly exact?: readonly (readonly [number, number])[];
}

interface SideLine {
  readonly seconds: number[];
  readonly cpuSeconds: number[];
  readonly gradientSeconds: number[];
  readonly matmulRates: number[];
  peakBytes: number;
  /** Edges with exact scores, of a coarse pass. */
  exact?: number;
}

interface RowLine {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly model: string;
  readonly edges: number;
  readonly examples: number;
  readonly threads: number;
  readonly sides: Readonly<Record<string, SideLine>>;
  /** Edges whose rank is not that of `eigvalsh`, and by how much at most. */
  readonly unequal: Readonly<Record<string, { readonly edges: number; readonly most: number }>>;
  /** Absent where not both ran. */
  readonly sameChoice?: boolean;
}

const { values } = parseArgs({
  options: {
    width: { type: "string", default: "768" },
    blocks: { type: "string", default: "12" },
    examples: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: String(cpus().length) },
    place: { type: "string", default: "gga:3" },
    columns: { type: "string" },
    sides: { type: "string", default: "svdvals,eigvalsh,exact,coarse" },
    out: { type: "string", default: "docs/data/scoring.jsonl" },
    table: { type: "boolean", default: false },
  },
});
const { place } = values;
const SIDES: Readonly<Record<string, Partial<ScoringSpec>>> = {
  svdvals: { engine: "svdvals" },
  eigvalsh: { engine: "eigvalsh" },
  exact: { engine: "graft" },
  coarse: { engine: "graft", place, ...(values.columns !== undefined && { columns: Number(values.columns) }) },
};
const MATMUL_GFLOP = (2 * 8 * 197 * 768 * 3072) / 1e9;
/** Share of the ranks that may differ, by 1: gradients are sums in another order. */
const UNEQUAL = 0.01;

async function measure(): Promise<void> {
  const [width, blocks, examples, threads] = [values.width, values.blocks, values.examples, values.threads].map(Number);
  const folder = randomEncoder({ type: "vit", width: width!, blocks: blocks! });
  const spec = { folder, threads: threads!, examples: examples!, batch: 8, side: IMAGE_SIDE };
  const names = values.sides.split(",");
  const sides: Record<string, SideLine> = Object.fromEntries(
    names.map((name) => [name, { seconds: [], cpuSeconds: [], gradientSeconds: [], matmulRates: [], peakBytes: 0 }]),
  );
  const answers: Record<string, Answer> = {};
  let torch = "none";
  for (let round = 0; round < Number(values.rounds); round++)
    for (const k of names.keys()) {
      // A process a turn: what one side holds takes no memory from the next, and its peak is its own.
      const name = names[(k + round) % names.length]!;
      const { ask, version, close } = await openSide({ ...spec, engine: "graft", ...SIDES[name] });
      torch = version ?? torch;
      const line = sides[name]!;
      await ask("matmul", 10); // The first products of a process are slower.
      line.matmulRates.push(MATMUL_GFLOP / (await ask("matmul", 5)).seconds);
      const answer = await ask("scores", 1);
      await close();
      answers[name] = answer;
      line.seconds.push(answer.seconds);
      line.cpuSeconds.push(answer.cpuSeconds);
      line.gradientSeconds.push(answer.gradientSeconds!);
      line.peakBytes = Math.max(line.peakBytes, answer.peakBytes);
      if (answer.exact) line.exact = answer.exact.length;
      console.error(`round ${round + 1}, ${name}: ${answer.seconds.toFixed(1)} s, ${gib(answer.peakBytes)} GiB`);
    }
  const line: RowLine = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    versions: { node: process.version, onnxruntime: (await nodeRuntimeFacts()).version, torch },
    model: `ViT ${width}x${blocks}`,
    edges: (2 * blocks! + 1) ** 2,
    examples: examples!,
    threads: threads!,
    sides,
    ...agreement(answers),
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
}

/** Exact ranks of each side beside those of float64 eigenvalues in PyTorch, and whether a coarse pass chooses as exact ranks do. */
function agreement(answers: Readonly<Record<string, Answer>>): Pick<RowLine, "unequal" | "sameChoice"> {
  const { eigvalsh, exact, coarse } = answers;
  const unequal: Record<string, { edges: number; most: number }> = {};
  for (const [name, answer] of Object.entries(answers)) {
    const edges = answer.exact ?? answer.ranks!.flatMap((row, i) => row.map((_, j) => [i, j] as const));
    const apart = edges.map(([i, j]) => Math.abs(answer.ranks![i]![j]! - (eigvalsh ?? answer).ranks![i]![j]!));
    unequal[name] = { edges: apart.filter((one) => one > 0).length, most: Math.max(...apart) };
  }
  if (!exact || !coarse) return { unequal };
  const choose = chooserOf(place, { states: exact.ranks!.length });
  const text = ({ ranks, tieBreak }: Answer) => JSON.stringify(choose({ matrix: ranks!, tieBreak }));
  return { unequal, sameChoice: text(exact) === text(coarse) };
}

async function openSide(spec: ScoringSpec) {
  const text = JSON.stringify(spec);
  const child =
    spec.engine === "graft"
      ? spawn(process.execPath, ["--import", "tsx", "bench/scoring-side.ts", text], { stdio: "pipe" })
      : spawn(PYTHON, ["bench/peers/scoring/peer.py", text], { stdio: "pipe", env: peerEnvironment(spec.threads) });
  const nextLine = linesOf(child);
  const { version } = (await nextLine()) as { version?: string };
  return {
    version,
    async ask(what: "scores" | "matmul", count: number): Promise<Answer> {
      child.stdin!.write(`${JSON.stringify({ do: what, count })}\n`);
      return (await nextLine()) as Answer;
    },
    async close() {
      child.stdin!.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

const choiceOf = (isSame: boolean | undefined) =>
  isSame === undefined ? "" : isSame ? ", same choice" : ", ANOTHER CHOICE";

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);

function printTable(): void {
  for (const line of readJsonLines<RowLine>(values.out)) {
    const { model, edges, examples, threads, machine, date, sides, unequal, sameChoice } = line;
    const peers = Object.entries(sides).filter(([name]) => name === "svdvals" || name === "eigvalsh");
    const best = Math.min(...peers.map(([, { seconds }]) => median(seconds)));
    const rounds = Object.values(sides)[0]!.seconds.length;
    console.log(
      `\n${model}, ${edges} edges, ${examples} pictures, ${threads} threads, medians of ${rounds}; ${machine}, ${date}\n`,
    );
    const rows = Object.entries(sides).map(([name, side]) => {
      const { edges: apart, most } = unequal[name]!;
      const isVoid = (name === "exact" || name === "coarse") && (apart > UNEQUAL * edges || most > 1);
      return [
        side.exact === undefined ? name : `${name} (${side.exact} exact${choiceOf(sameChoice)})`,
        isVoid ? "void" : median(side.seconds).toFixed(1),
        median(side.gradientSeconds).toFixed(1),
        (median(side.seconds) / best).toFixed(2),
        median(side.cpuSeconds).toFixed(1),
        gib(side.peakBytes),
        median(side.matmulRates).toFixed(0),
        most === 0 ? "none" : `${apart} by ≤ ${most}`,
      ];
    });
    const titles = ["s", "gradients, s", "× PyTorch", "CPU s", "peak GiB", "MatMul GFLOP/s", "ranks unlike eigvalsh"];
    const right = titles.map((title) => ({ title, align: "right" }) as const);
    console.log(markdownTable({ columns: [{ title: "side" }, ...right], rows }));
  }
}

if (!values.table) await measure();
printTable();
