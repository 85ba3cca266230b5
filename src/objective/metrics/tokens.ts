import { GraftError } from "../../base/index.ts";
import { checkCount } from "./checks.ts";

/** An entity: a type, and where it begins and ends (the last token's index). */
export interface Entity {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/** Micro-averaged over all sentences, each in [0, 1]. */
export interface EntityScore {
  /** Share of predicted entities that are right; NaN where none is predicted. */
  readonly precision: number;
  /** Share of true entities that are predicted; NaN where there is none. */
  readonly recall: number;
  /** 2 · right / (predicted + true); NaN where there is neither. */
  readonly f1: number;
}

/**
 * Score predicted tags by entities: one is right when a true one has the same type, beginning and end. Counts are those
 * of seqeval's default mode, and so of the CoNLL script; where a ratio has nothing to divide by, it is NaN and not 0.
 * @param predicted  tags of every sentence, in IOB1, IOB2 or BIOES: "O", or B, I, E or S and a type, as "B-PER"
 * @param gold       true tags, of the same shape
 * @throws           GraftError METRIC for sentences of different lengths, or what is no tag
 */
export function entityF1(predicted: readonly (readonly string[])[], gold: readonly (readonly string[])[]): EntityScore {
  return entityScore(entityCounts(predicted, gold));
}

/**
 * What `entityF1` counts, sentence by sentence, so that many draws of sentences can be scored at once.
 * @returns  row-major, [sentences, 3]: right, predicted and true entities
 */
export function entityCounts(
  predicted: readonly (readonly string[])[],
  gold: readonly (readonly string[])[],
): Int32Array {
  checkShapes(predicted, gold);
  const counts = new Int32Array(3 * gold.length);
  gold.forEach((tags, row) => {
    const found = entitiesOf(predicted[row]!).map(nameOf);
    const real = new Set(entitiesOf(tags).map(nameOf));
    counts.set([found.filter((entity) => real.has(entity)).length, found.length, real.size], 3 * row);
  });
  return counts;
}

/** Precision, recall and F1 of counts [sentences, 3] as `entityCounts` gives them. */
export function entityScore(counts: Int32Array): EntityScore {
  let [right, predicted, real] = [0, 0, 0];
  for (let at = 0; at < counts.length; at += 3) {
    right += counts[at]!;
    predicted += counts[at + 1]!;
    real += counts[at + 2]!;
  }
  return { precision: right / predicted, recall: right / real, f1: (2 * right) / (predicted + real) };
}

/**
 * Share of tokens with the right tag.
 * @returns  in [0, 1]; NaN for no tokens
 * @throws   GraftError METRIC for sentences of different lengths
 */
export function tokenAccuracy(predicted: readonly (readonly string[])[], gold: readonly (readonly string[])[]): number {
  checkShapes(predicted, gold);
  let [correct, total] = [0, 0];
  gold.forEach((tags, row) => {
    total += tags.length;
    tags.forEach((tag, k) => {
      if (predicted[row]![k] === tag) correct++;
    });
  });
  return correct / total;
}

/**
 * Entities that a sentence's tags spell. A token goes on with the entity of the token before it when it is I or E, that
 * one is B or I, and the types agree; every other tag but O begins an entity. So IOB1, IOB2 and BIOES need no switch,
 * and tags that follow none of them (a sentence that begins with I) still have a reading.
 */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let isOpen = false;
  tags.forEach((tag, k) => {
    const { mark, type } = parseTag(tag);
    const last = entities.at(-1);
    const goesOn = isOpen && (mark === "I" || mark === "E") && last?.type === type;
    if (goesOn) entities[entities.length - 1] = { ...last, to: k };
    else if (mark !== "O") entities.push({ type, from: k, to: k });
    isOpen = mark === "B" || mark === "I";
  });
  return entities;
}

const nameOf = ({ type, from, to }: Entity) => `${from} ${to} ${type}`;

function parseTag(tag: string): { mark: string; type: string } {
  const parts = /^(?:O|([BIES])(?:-(.*))?)$/s.exec(tag);
  if (parts === null) {
    throw new GraftError("METRIC", {
      thing: `tag "${tag}"`,
      place: 'an entity is spelt with "O", or B, I, E or S and a type, as in "B-PER"',
      remedy: "Measure the accuracy of tokens where tags are no entities",
    });
  }
  return { mark: parts[1] ?? "O", type: parts[2] ?? "" };
}

function checkShapes(predicted: readonly (readonly string[])[], gold: readonly (readonly string[])[]): void {
  checkCount("predicted sentences", predicted.length, gold.length, "one for each true one");
  gold.forEach((tags, row) => {
    checkCount(`tags predicted for sentence ${row}`, predicted[row]!.length, tags.length, "one for each token");
  });
}
