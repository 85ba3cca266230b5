import type { Edge } from "../adapters/index.ts";
import type { Confidence, ParsedScores } from "../scoring/index.ts";

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
  stride = 1,
}: ParsedScores): readonly string[] {
  const from =
    examples === undefined ? "without a look at the data" : `from ${examples} probe examples behind a ${head} head`;
  const share = eta === undefined ? "" : `, η = ${eta}`;
  const scored = stride === 1 ? "" : ` (stride ${stride}, of ${matrix.length ** 2})`;
  return [
    `${Math.ceil(matrix.length / stride) ** 2}${scored} edges ${from}${share}${seconds === undefined ? "" : `, in ${seconds.toFixed(1)} s`}`,
    ...(ties === undefined || ties.shared === 0
      ? []
      : [`${ties.shared} edges share their score with another; ${ties.drawn} are left to a draw`]),
    ...(confidence === undefined ? [] : describeConfidence(confidence)),
  ];
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

const write = ({ from, to }: Edge) => `${from}-${to}`;

function list(edges: readonly Edge[]): string {
  const more = edges.length - NAMED;
  return `${edges.slice(0, NAMED).map(write).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
