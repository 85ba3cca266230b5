/**
 * Write docs/models.md: which encoders' exports graft takes, what it finds in them and how far it agrees with PyTorch. Every
 * number comes from running graft on the files in test/fixtures/encoders. `tsx scripts/model-table.ts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { differentiate } from "../src/autodiff/index.ts";
import { findStates } from "../src/backbone/find-states.ts";
import { createBuilder, type Graph, prune, staticShape, tensorOf, upgrade } from "../src/graph/index.ts";
import { nodeRuntime } from "../src/runtime/node.ts";
import { trace } from "../src/trace/index.ts";
import {
  fixtureGraph,
  fixtureNames,
  fixtureRecord,
  type Recorded,
  recordedFeeds,
  summaryError,
  summaryOf,
} from "../test/support/fixtures.ts";

export const modelPage = new URL("../docs/models.md", import.meta.url);

/** The encoders graft means to take, in the order of the table; other fixtures follow. */
const ARCHITECTURES = [
  ...["BERT", "RoBERTa", "DistilBERT", "ALBERT", "MiniLM", "MPNet", "XLM-R", "ELECTRA", "DeBERTa-v2", "DeBERTa-v3"],
  ...["ModernBERT", "NomicBERT", "CLIP text", "ViT", "DeiT", "DINOv2", "CLIP vision", "SigLIP vision", "BEiT"],
];

/** Exporters with a column of their own. */
const EXPORTERS = [
  ["torchscript", "TorchScript exporter"],
  ["dynamo", "dynamo exporter"],
] as const;

/** Why a cell has no file: `architecture/exporter` → the exporter's own words. */
const REASONS: Readonly<Record<string, string>> = {};

/** What PyTorch's numbers may differ by: outputs, and gradients at hidden states, as shares of the largest or of the norm. */
export const TOLERANCE = { output: 1e-4, gradient: 1e-3 };

export interface Agreement {
  readonly states: number;
  /** max |ours − PyTorch's| / max |PyTorch's| over the recorded output. */
  readonly output: number;
  /** The largest `summaryError` over the gradients at all hidden states graft found. */
  readonly gradient: number;
}

/** Run graft over one fixture: trace, find the states, differentiate the recorded loss with respect to them. */
export async function agreement(name: string): Promise<Agreement> {
  const record = fixtureRecord(name);
  const graph = await tracedFixture(name, record);
  const { states } = findStates(graph);
  const g = createBuilder(graph);
  const y = g.value(record.output.name);
  const shape = staticShape(y);
  const weights = record.output.data.map((_, k) => ((k % 5) + 1) / 5);
  const weighted = g.mul(g.mul(y, y), g.constant(tensorOf("float32", shape, weights)));
  const loss = g.reduceSum(
    weighted,
    shape.map((_, axis) => axis),
    false,
  );
  const gradients = differentiate(
    g,
    loss,
    states.map((state) => g.value(state)),
  );
  const outputs = [y.name, ...gradients.map((gradient) => gradient.name)];
  const session = await nodeRuntime.open(prune(g.toGraph([...new Set(outputs)])), { threads: 1 });
  const results = await session.run(recordedFeeds(record));
  await session.release();
  const data = (value: string) => results[value]!.data as Float32Array;
  return {
    states: states.length,
    output: largestError(data(y.name), record.output.data),
    gradient:
      gradients.length === record.gradients.length
        ? Math.max(...gradients.map(({ name }, k) => summaryError(summaryOf(data(name)), record.gradients[k]!)))
        : Number.NaN,
  };
}

function tracedFixture(name: string, record: Recorded, refused = false): Promise<Graph> {
  const shapes = Object.fromEntries(Object.entries(record.inputs).map(([input, { shape }]) => [input, shape]));
  return trace(upgrade(fixtureGraph(name, refused)), shapes, nodeRuntime);
}

function largestError(found: Float32Array, recorded: readonly number[]): number {
  const largest = Math.max(...recorded.map(Math.abs));
  return Math.max(...recorded.map((value, k) => Math.abs(value - found[k]!))) / largest;
}

/** The page, with numbers as measured now. */
export async function modelTable(): Promise<string> {
  const rows: string[] = [];
  const cells = new Map<string, string[]>();
  const records = fixtureNames().map((name) => ({ name, record: fixtureRecord(name) }));
  const place = ({ architecture }: Recorded) => (ARCHITECTURES.indexOf(architecture) + 1 || 100) * 1000;
  const exporter = ({ exporter }: Recorded) => EXPORTERS.findIndex(([key]) => key === exporter) * 100;
  const order = (record: Recorded) => place(record) + exporter(record) + record.opset;
  for (const { name, record } of records.sort((a, b) => order(a.record) - order(b.record))) {
    const found = await agreement(name);
    const agrees = found.output < TOLERANCE.output && found.gradient < TOLERANCE.gradient;
    if (!agrees) throw new Error(`${name} disagrees with PyTorch: ${JSON.stringify(found)}`);
    const key = `${record.architecture}/${record.exporter}`;
    cells.set(key, [...(cells.get(key) ?? []), String(record.opset)]);
    const { architecture, opset, versions } = record;
    const library = Object.entries(versions)
      .filter(([key]) => key === "transformers" || key === "timm")
      .map(([key, version]) => `${key} ${version}`);
    const numbers = [found.output, found.gradient].map((error) => error.toExponential(0));
    rows.push(
      `| ${[architecture, record.exporter, opset, library.join(", "), `\`${name}\``, `${record.normPosition}, ${found.states}`, ...numbers].join(" | ")} |`,
    );
  }
  const matrix = ARCHITECTURES.map((architecture) => {
    const columns = EXPORTERS.map(([key]) => opsets(cells.get(`${architecture}/${key}`)));
    return `| ${[architecture, ...columns].join(" | ")} |`;
  });
  const blanks = ARCHITECTURES.flatMap((architecture) =>
    EXPORTERS.filter(([key]) => !cells.has(`${architecture}/${key}`)).map(
      ([key, title]) => `- ${architecture}, ${title}: ${REASONS[`${architecture}/${key}`] ?? "no file yet"}`,
    ),
  );
  return page(matrix, blanks, rows, await refusals());
}

const opsets = (found: readonly string[] | undefined) =>
  found === undefined ? "" : `opset ${[...new Set(found)].join(", ")}`;

/** What graft says of each model it refuses, up to the remedy. */
async function refusals(): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const name of fixtureNames(true)) {
    const record = fixtureRecord(name, true);
    const graph = await tracedFixture(name, record, true);
    rows.push(`| ${record.architecture} | \`${name}\` | ${sentence(graph)} |`);
  }
  return rows;
}

function sentence(graph: Graph): string {
  try {
    findStates(graph);
  } catch (error) {
    return (error as Error).message.split(/\. (?=graft|Export)/)[0]!;
  }
  throw new Error(`${graph.name} should be refused`);
}

const page = (
  matrix: readonly string[],
  blanks: readonly string[],
  rows: readonly string[],
  refused: readonly string[],
) => `# Models

<!-- Made by scripts/model-table.ts, which runs graft on test/fixtures/encoders; \`npm run models\` makes it again. -->

graft takes transformer encoders as ONNX files, whoever wrote them: it finds the hidden states by the structure of the graph
alone, and never looks at a name. What it was tried on, at tiny size with random weights, against PyTorch:

| architecture | ${EXPORTERS.map(([, title]) => `PyTorch's ${title}`).join(" | ")} |
|---|${EXPORTERS.map(() => "---|").join("")}
${matrix.join("\n")}

${
  blanks.length === 0
    ? "No cell is blank."
    : `A blank cell has no file, so nothing is claimed about it:\n\n${blanks.join("\n")}`
}

Sizes, heads on top, pooling, fixed or open dimensions and the way attention is written differ between files. MiniLM is a BERT.
DeBERTa-v2 has the convolution beside its first block, ModernBERT a layer with global and two with local attention, DINOv2
and BEiT layer scale, ALBERT one block's weights in every block. CLIP's text tower has a triangular mask, as decoders have; it counts
as an encoder when one token of each example, at a position computed from the input, is all that is read of its last state (the
features and hidden states may be outputs besides). A decoder is read at every token, also where it classifies.

## Agreement

*output*: the largest difference from PyTorch's output as a share of its largest number, at most ${TOLERANCE.output}. *gradient*: the largest
difference between graft's gradient of a loss at a hidden state and that of PyTorch's autograd, as a share of its norm, over all
states (first eight numbers, norm, and a weighted sum of all numbers), at most ${TOLERANCE.gradient}. *states*: where the norms are, and how many
states graft found, 2L + 1 for L blocks. Each file's JSON in \`test/fixtures/encoders\` names the versions and the command that made it.

| architecture | exporter | opset | library | file | states | output | gradient |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}

## Refused

| model | file | what graft says |
|---|---|---|
${refused.join("\n")}
`;

/** The fixtures that a page's table of agreements lists: file → its other cells. */
export function listedFixtures(text: string): ReadonlyMap<string, readonly string[]> {
  const [, table] = /\n## Agreement\n([\s\S]*?)\n## /.exec(text) ?? [];
  const rows = (table ?? "").split("\n").filter((line) => line.includes("`") && line.startsWith("|"));
  return new Map(
    rows.map((line) => {
      const cells = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [cells[4]!.replaceAll("`", ""), cells];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(modelPage, await modelTable());

/** The page as it is. */
export const readModelPage = (): string => readFileSync(modelPage, "utf8");
