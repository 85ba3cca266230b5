/** One of several classes for each example: a text, a pair of texts, or a picture. */
export interface ClassifyGoal {
  readonly kind: "classify";
  readonly classes: readonly string[];
}

/** What is to be learned, in AutoTrain's words. Outputs of a model follow the order of names here. */
export type Goal =
  | ClassifyGoal
  /** Any number of classes for each example. */
  | { readonly kind: "multi_label"; readonly classes: readonly string[] }
  /** One number for each name; `center` and `scale` are mean and deviation over the training examples. */
  | {
      readonly kind: "regress";
      readonly names: readonly string[];
      readonly center: readonly number[];
      readonly scale: readonly number[];
    }
  /** A class for each word of a text. */
  | { readonly kind: "tokens"; readonly classes: readonly string[] }
  /** Embeddings of two texts are as similar as a score says. */
  | { readonly kind: "pair_score" }
  /** Embeddings: a text lies nearer to its positive than to other texts. */
  | { readonly kind: "triplet" };

export type GoalKind = Goal["kind"];

/** Names of a head's outputs; none for embeddings, which have no head. */
export function outputNames(goal: Goal): readonly string[] {
  switch (goal.kind) {
    case "classify":
    case "multi_label":
    case "tokens":
      return goal.classes;
    case "regress":
      return goal.names;
    case "pair_score":
    case "triplet":
      return [];
  }
}

/** A goal in few words, for people. */
export function describeGoal(goal: Goal): string {
  const names = outputNames(goal);
  return names.length === 0 ? goal.kind : `${goal.kind} (${names.length}: ${brief(names)})`;
}

const brief = (names: readonly string[]) =>
  names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ");
