import * as z from "zod";
import { GraftError } from "../base/index.ts";
import type { Ties } from "./ranking.ts";
import type { EdgeScores } from "./scores.ts";

/** The score of a frozen product that LoRA may go beside. */
export interface SiteScore {
  /** Block and role, e.g. `11.fc2`: what `lora:11.fc2` takes. */
  readonly name: string;
  /** ≥ 0. */
  readonly score: number;
  /** Among sites of equal score the one with the larger value here is taken first. */
  readonly tieBreak?: number;
  readonly inSize: number;
  readonly outSize: number;
  /** The largest rank that the gradient can have. */
  readonly cap?: number;
}

/** What `scoreSites` gives, and `graft score --sites lora --json` prints. */
export interface SiteScores {
  readonly schema: 1;
  readonly scoreName: string;
  /** In the model's order. */
  readonly sites: readonly SiteScore[];
  readonly ties: Ties;
  readonly eta?: number;
  /** In the probe; absent, as the head, for scores that look at no example. */
  readonly examples?: number;
  readonly head?: string;
  readonly seconds: number;
  readonly backbone: { readonly name: string; readonly hash: string };
  readonly task: string;
  readonly seed: number;
}

/** What placing takes of them. */
export interface RankedSites {
  readonly sites: readonly Pick<SiteScore, "name" | "score" | "tieBreak">[];
}

/** Scores of sites in the form of edges', one row. */
export const ofSites = ({ sites }: RankedSites): EdgeScores => ({
  matrix: [sites.map(({ score }) => score)],
  ...(sites.every(({ tieBreak }) => tieBreak !== undefined) && { tieBreak: [sites.map(({ tieBreak }) => tieBreak!)] }),
});

const siteScoresSchema = z.object({
  schema: z.literal(1),
  scoreName: z.string(),
  sites: z
    .array(
      z.object({
        name: z.string().min(1),
        score: z.number().nonnegative(),
        tieBreak: z.number().nonnegative().optional(),
      }),
    )
    .nonempty(),
});

/**
 * Check scores of sites that were read from a file; keys that placing does not take are dropped.
 * @param json  what `JSON.parse` gave
 * @throws GraftError BAD_SCORES, naming the place inside
 */
export function parseSiteScores(
  json: unknown,
  source = "scores",
): RankedSites & Pick<SiteScores, "schema" | "scoreName"> {
  const result = siteScoresSchema.safeParse(json);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new GraftError("BAD_SCORES", {
    thing: source,
    place: `${path.join(".") || "at the top"}: ${message}`,
    remedy: "Pass what `graft score --sites lora --json` printed",
  });
}
