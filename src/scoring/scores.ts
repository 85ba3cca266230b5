import * as z from "zod";
import { GraftError } from "../base/index.ts";
import type { Confidence } from "./confidence.ts";
import type { Ties } from "./ranking.ts";
import type { Coarse } from "./score-coarsely.ts";

/** What selectors need of scores: a number per edge, and perhaps a second one for ties. */
export interface EdgeScores {
  /** [n, n], ≥ 0; `matrix[i][j]` is the score of edge (i, j), which reads state i and adds to state j. */
  readonly matrix: readonly (readonly number[])[];
  /** [n, n]; among edges of equal score the one with the larger value here is taken first. */
  readonly tieBreak?: readonly (readonly number[])[];
  /** Only edges between states whose index it divides were scored; the others hold 0 and are never chosen. Default 1. */
  readonly stride?: number;
  /** After a coarse pass: which scores are exact. The others are estimates, and no selector may choose by them. */
  readonly coarse?: Coarse;
}

/** What scoring gives, and `graft score --json` prints. */
export interface Scores extends EdgeScores {
  readonly schema: 1;
  /** Which number `matrix` holds, as `--score` names it, e.g. `srank`. */
  readonly scoreName: string;
  /** Entropy rank of each edge's gradient, where the score is made of its singular values. */
  readonly tieBreak?: readonly (readonly number[])[];
  readonly ties?: Ties;
  /** How sure the ranking is, where that was asked for. */
  readonly confidence?: Confidence;
  /** The largest rank that gradients into state j can have: tokens with a gradient, d, or what the head allows. [n] */
  readonly caps?: readonly number[];
  /** Share of the singular values' sum that srank drops; absent for other scores. */
  readonly eta?: number;
  /** In the probe; absent, as caps and head, for scores that look at no example. */
  readonly examples?: number;
  readonly seconds: number;
  /** Where the head behind the backbone came from, e.g. `fitted`. */
  readonly head?: string;
  readonly backbone: { readonly name: string; readonly hash: string; readonly states: number };
  readonly task: string;
  readonly seed: number;
}

/** Scores as read: whoever wrote them may have left out what selecting does not need. */
export type ParsedScores = Pick<Scores, "schema" | "scoreName" | "matrix"> & Partial<Scores>;

const matrix = z.array(z.array(z.number().nonnegative()));

const edge = z.object({ from: z.int().nonnegative(), to: z.int().nonnegative() });

const confidence = z.object({
  reliability: z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN), // JSON has no NaN
  groups: z.int().positive(),
  halves: z.int().positive(),
  unsure: z.array(z.object({ edge, rivals: z.array(edge) })),
});

const scoresSchema = z
  .object({
    schema: z.literal(1),
    scoreName: z.string(),
    matrix: matrix.nonempty(),
    tieBreak: matrix.optional(),
    ties: z.object({ shared: z.int().nonnegative(), drawn: z.int().nonnegative() }).optional(),
    confidence: confidence.optional(),
    caps: z.array(z.number().int().nonnegative()).optional(),
    eta: z.number().gt(0).lt(1).optional(),
    examples: z.number().int().positive().optional(),
    seconds: z.number().nonnegative().optional(),
    head: z.string().optional(),
    backbone: z.object({ name: z.string(), hash: z.string(), states: z.number().int().positive() }).optional(),
    task: z.string().optional(),
    seed: z.number().int().optional(),
    stride: z.number().int().positive().optional(),
    coarse: z.object({ columns: z.int().positive(), exact: z.array(edge), error: z.number().nonnegative() }).optional(),
  })
  .superRefine((scores, context) => {
    const n = scores.matrix.length;
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    for (const name of ["matrix", "tieBreak"] as const) {
      const rows = scores[name];
      if (rows && rows.length !== n) refuse([name], `has ${rows.length} rows, but the matrix has ${n}`);
      for (const [i, row] of rows?.entries() ?? []) {
        if (row.length !== n) refuse([name, i], `has ${row.length} values, but there are ${n} states`);
      }
    }
    if (scores.caps && scores.caps.length !== n) {
      refuse(["caps"], `has ${scores.caps.length} values, but there are ${n} states`);
    }
    for (const [k, { from, to }] of scores.coarse?.exact.entries() ?? [])
      if (from >= n || to >= n) refuse(["coarse", "exact", k], `is edge (${from}, ${to}), but there are ${n} states`);
    if (scores.backbone && scores.backbone.states !== n) {
      refuse(["backbone", "states"], `is ${scores.backbone.states}, but the matrix has ${n} rows`);
    }
  });

/**
 * Check scores that were read from a file: a square matrix of finite numbers ≥ 0, and what comes with it.
 * @param json   what `JSON.parse` gave; keys not known here are dropped
 * @param source what to call it in an error, e.g. `scores.json`
 * @throws GraftError BAD_SCORES, naming the place inside, e.g. `matrix[3][4]`
 */
export function parseScores(json: unknown, source = "scores"): ParsedScores {
  const result = scoresSchema.safeParse(json);
  if (result.success) return result.data as ParsedScores;
  const { path, message } = result.error.issues[0]!;
  throw new GraftError("BAD_SCORES", {
    thing: source,
    place: `${placeOf(path)}: ${message}`,
    remedy: "Pass what `graft score --json` printed",
  });
}

const placeOf = (path: readonly PropertyKey[]): string =>
  path.map((key, k) => (typeof key === "number" ? `[${key}]` : `${k === 0 ? "" : "."}${String(key)}`)).join("") ||
  "at the top";
