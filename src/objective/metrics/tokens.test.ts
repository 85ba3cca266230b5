import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { type Entity, entitiesOf, entityF1, tokenAccuracy } from "./tokens.ts";

const sentence = (tags: string) => tags.split(" ");

test("as seqeval counts, whether tags keep to a scheme or to none", () => {
  for (const { gold, predicted, accuracy, ...recorded } of cases.tokens) {
    const { precision, recall, f1 } = entityF1(predicted.map(sentence), gold.map(sentence));
    expect(precision).toBeCloseTo(recorded.precision, 12);
    expect(recall).toBeCloseTo(recorded.recall, 12);
    expect(f1).toBeCloseTo(recorded.f1, 12);
    expect(tokenAccuracy(predicted.map(sentence), gold.map(sentence))).toBeCloseTo(accuracy, 12);
  }
});

test("by hand: a wrong end and a wrong type are wrong", () => {
  const gold = ["B-PER I-PER O B-LOC", "B-ORG O B-ORG I-ORG"].map(sentence); // four entities
  const predicted = ["B-PER O O B-LOC", "B-ORG O B-LOC I-LOC"].map(sentence); // four, two right
  expect(entityF1(predicted, gold)).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5 });
  expect(tokenAccuracy(predicted, gold)).toBe(5 / 8);
});

test("with nothing predicted F1 is 0, with nothing there at all it is undefined", () => {
  const [none, some] = [[sentence("O O")], [sentence("B-X O")]];
  expect(entityF1(none, some)).toEqual({ precision: Number.NaN, recall: 0, f1: 0 });
  expect(entityF1(some, none)).toEqual({ precision: 0, recall: Number.NaN, f1: 0 });
  expect(entityF1(none, none)).toEqual({ precision: Number.NaN, recall: Number.NaN, f1: Number.NaN });
  expect(tokenAccuracy([], [])).toBeNaN();
});

test("what is no tag, and sentences that do not fit, are refused", () => {
  expect(() => entityF1([["NOUN"]], [["O"]])).toThrow('tag "NOUN"');
  expect(() => entityF1([["LOC"]], [["O"]])).toThrow('tag "LOC"');
  expect(() => entityF1([["O"]], [["O", "O"]])).toThrow("tags predicted for sentence 0: there are 1 and should be 2");
  expect(() => tokenAccuracy([], [["O"]])).toThrow("predicted sentences: there are 0 and should be 1");
  expect(tokenAccuracy([["NOUN"]], [["NOUN"]])).toBe(1); // any tags have an accuracy
});

/** Gaps before, lengths and types of entities, one after another. */
const layout = fc.array(
  fc.record({ gap: fc.nat(2), length: fc.integer({ min: 1, max: 4 }), type: fc.constantFrom("PER", "LOC", "A-B") }),
  { maxLength: 8 },
);

const schemes: Record<string, (k: number, length: number, touches: boolean) => string> = {
  IOB1: (k, _, touches) => (k === 0 && touches ? "B" : "I"),
  IOB2: (k) => (k === 0 ? "B" : "I"),
  BIOES: (k, length) => (length === 1 ? "S" : k === 0 ? "B" : k === length - 1 ? "E" : "I"),
};

test.each(Object.keys(schemes))("entities written in %s are read again", (scheme) => {
  fc.assert(
    fc.property(layout, (parts) => {
      const [tags, entities]: [string[], Entity[]] = [[], []];
      for (const { gap, length, type } of parts) {
        tags.push(...Array<string>(gap).fill("O"));
        const touches = entities.at(-1)?.to === tags.length - 1 && entities.at(-1)?.type === type;
        entities.push({ type, from: tags.length, to: tags.length + length - 1 });
        for (let k = 0; k < length; k++) tags.push(`${schemes[scheme]!(k, length, touches)}-${type}`);
      }
      expect(entitiesOf(tags)).toEqual(entities);
    }),
    { seed: 1 },
  );
});
