import type { Backbone } from "../src/backbone/index.ts";
import type { ImageSplit, Task, TextSplit } from "../src/tasks/index.ts";

export interface GreyTask {
  readonly train: number;
  readonly validation: number;
  /** Tokens of a text. */
  readonly tokens: number;
  /** Every second text is half as long; default false. */
  readonly lengths?: boolean;
}

const CLASSES = 10;

/** Examples that cost nothing and teach nothing: a grey picture, or a text of one token over and over. */
export function greyTask(input: Backbone["input"], { train, validation, ...texts }: GreyTask): Task {
  const held = split(input, validation, texts);
  const classes = Array.from({ length: CLASSES }, (_, k) => String(k));
  return {
    name: "grey",
    title: "nothing to learn",
    goal: { kind: "classify", classes },
    train: split(input, train, texts),
    validation: held,
    test: held,
    notes: [],
  };
}

function split(
  input: Backbone["input"],
  count: number,
  { tokens, lengths = false }: Omit<GreyTask, "train" | "validation">,
): ImageSplit | TextSplit {
  const labels = Int32Array.from({ length: count }, (_, k) => k % CLASSES);
  const targets = { kind: "classes", labels } as const;
  if (input.kind === "image") {
    const pixels = new Uint8Array(3 * input.height * input.width).fill(128);
    return { kind: "image", count, targets, pixels: () => pixels };
  }
  const length = (index: number) => (lengths && index % 2 === 1 ? tokens / 2 : tokens);
  return {
    kind: "text",
    count,
    targets,
    encodings(index) {
      const ids = new Int32Array(length(index)).fill(100);
      return [{ ids, typeIds: new Int32Array(ids.length), truncated: false }];
    },
    views: 1,
    isPair: false,
    length,
    padding: { padId: 0, padTypeId: 0, paddingSide: "right" },
  };
}
