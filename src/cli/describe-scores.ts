import type { Edge } from "../adapters/index.ts";
import { roughDuration } from "../base/index.ts";
import { terminalTable } from "../report/index.ts";
import {
  bestSites,
  type Confidence,
  type ParsedScores,
  type ScoringEstimate,
  type SiteScores,
} from "../scoring/index.ts";

/** Rivals that are named; the others are counted. */
const NAMED = 4;

/** What people are told of scores: how they came about, how many edges they leave equal, and how sure their order is. */
export function describeScores({
  examples,
  seconds,
  head,
  eta,
  matrix,
  ties,
  confidence,
  coarse,
  stride = 1,
}: ParsedScores): readonly string[] {
  const share = eta === undefined ? "" : `, η = ${eta}`;
  const scored = stride === 1 ? "" : ` (stride ${stride}, of ${matrix.length ** 2})`;
  const edges = Math.ceil(matrix.length / stride) ** 2;
  return [
    `${edges}${scored} edges ${madeFrom(examples, head)}${share}${seconds === undefined ? "" : `, in ${seconds.toFixed(1)} s`}`,
    ...(coarse === undefined
      ? []
      : [
          coarse.exact.length === edges
            ? "all of them exact"
            : `${coarse.exact.length} of them exact; the rest estimated from ${coarse.columns} columns, ± ${coarse.error.toPrecision(2)} (standard error)`,
        ]),
    ...(ties === undefined || ties.shared === 0
      ? []
      : [`${ties.shared} edges share their score with another; ${ties.drawn} are left to a draw`]),
    ...(confidence === undefined ? [] : describeConfidence(confidence)),
  ];
}

/** How long scoring takes, before it is begun. */
export function describeEstimate({ seconds, edges, examples, passes }: ScoringEstimate): string {
  if (passes === 0) return `scoring ${edges} edges looks at no example and takes no time to speak of`;
  const times = passes === 1 ? "one pass" : `${passes} passes`;
  return `scoring ${edges} edges takes about ${roughDuration(seconds)} on this machine: ${times} of ${examples} probe examples, forward and backward, and what is computed of their gradients`;
}

function describeConfidence({ reliability, groups, halves, unsure }: Confidence): readonly string[] {
  const number = Number.isNaN(reliability)
    ? "none, for a half of the probe tells no edges apart"
    : reliability.toFixed(3);
  return [
    `reliability ${number} (expected correlation with the ranking of another such probe; ${halves} halves of ${groups} groups)`,
    ...unsure.map(({ edge, rivals }) => `warning: ${write(edge)} cannot be told apart from ${list(rivals)}`),
  ];
}

/** LoRA's sites, the best first, and what places LoRA on the best of them. */
export function describeSites(found: SiteScores & { readonly method: string }): string {
  const { sites, examples, head, seconds, scoreName, method } = found;
  const number = (value: number | undefined) => (value === undefined ? "" : `${Number(value.toPrecision(4))}`);
  const right = (title: string) => ({ title, align: "right" }) as const;
  const table = terminalTable({
    columns: [{ title: "site" }, right(scoreName), right("size"), right("rank at most")],
    rows: bestSites(found, sites.length)
      .map((name) => sites.find((site) => site.name === name)!)
      .map(({ name, score, inSize, outSize, cap }) => [name, number(score), `${inSize} × ${outSize}`, number(cap)]),
  });
  return [
    table,
    `${sites.length} sites ${madeFrom(examples, head)}, in ${seconds.toFixed(1)} s`,
    "",
    `--method ${method}`,
  ].join("\n");
}

const madeFrom = (examples: number | undefined, head: string | undefined) =>
  examples === undefined ? "without a look at the data" : `from ${examples} probe examples behind a ${head} head`;

const write = ({ from, to }: Edge) => `${from}-${to}`;

function list(edges: readonly Edge[]): string {
  const more = edges.length - NAMED;
  return `${edges.slice(0, NAMED).map(write).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
