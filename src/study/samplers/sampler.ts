import type * as z from "zod";
import type { Random } from "../../base/index.ts";
import type { EdgeScores } from "../../scoring/index.ts";
import type { Objective } from "../settings.ts";
import type { Space } from "../space.ts";
import type { Candidate, Trial } from "../trial.ts";

/** One way to draw candidates. Adding one: a file with this shape and a line in `samplers.ts`; the contract suite runs it. */
export interface SamplerKind<Options extends z.ZodObject = z.ZodObject> {
  readonly summary: string;
  /** Where the idea comes from. */
  readonly source: string;
  readonly needsScores: boolean;
  /** Whether a candidate depends on earlier results; if not, any number of workers find the same candidates. */
  readonly adaptive: boolean;
  /** Whether a candidate differs from those of all trials before it (baselines apart). */
  readonly distinct: boolean;
  /** What may stand beside its name in `sampler: { name: …, … }`. */
  readonly options: Options;
  /**
   * How many candidates there are in all, where it ends by itself.
   * @throws GraftError where it cannot go through that space
   */
  size?(space: Space): number;
  /** The next candidate; undefined when the space is exhausted. Does not depend on anything but its arguments. */
  suggest(request: SamplerRequest, options: z.output<Options>): Candidate | undefined;
}

/** A kind of sampler with its options: what the owner of a study asks. */
export interface Sampler extends Pick<SamplerKind, "needsScores" | "adaptive" | "distinct" | "size"> {
  readonly name: string;
  suggest(request: SamplerRequest): Candidate | undefined;
}

export interface SamplerRequest {
  readonly space: Space;
  /** How many this sampler has drawn before for this task. */
  readonly index: number;
  /** The task's trials so far in the order of their numbers, of every state and origin. */
  readonly trials: readonly Trial[];
  readonly objectives: readonly Objective[];
  /** A stream of this study, task and index. */
  readonly random: Random;
  /** There if `needsScores`. */
  readonly scores: EdgeScores | undefined;
}
