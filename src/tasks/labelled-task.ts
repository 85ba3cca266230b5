import {
  GraftError,
  type LongCall,
  mean,
  memoryRecordStore,
  type RecordStore,
  standardDeviation,
} from "../base/index.ts";
import type { Example, Labelled, SplitName } from "../tables/index.ts";
import type { Encoding, Tokenizer } from "../text/index.ts";
import { packExample, unpackEncodings, unpackWords } from "./example-record.ts";
import type { Goal } from "./goal.ts";
import type { ImageSize } from "./resize.ts";
import type { Augmentation, Split, Targets, Task } from "./task.ts";

export interface LabelledTaskOptions extends LongCall {
  readonly name: string;
  readonly title?: string;
  /** The model's, for texts. */
  readonly tokenizer?: Tokenizer;
  /** For pictures: the size the model takes, and how to decode one to it, [3, height, width] bytes. */
  readonly image?: ImageSize;
  readonly decode?: (image: Uint8Array | string, folder: string | undefined) => Promise<Uint8Array>;
  /** Where examples are kept; default in memory. */
  readonly openStore?: () => RecordStore;
  /** Changes to pictures that keep their label; default a shift by a sixteenth of the width. */
  readonly augment?: Augmentation;
}

/** A task whose examples may lie on disk. */
export interface LabelledTask extends Task {
  /** Let the stored examples go; the task cannot be read afterwards. */
  close(): void;
}

/** Examples of a split as they are read: encoded or decoded ones in the store, targets in lists. */
interface Collected {
  readonly store: RecordStore;
  readonly targets: Example["target"][];
  readonly lengths: number[];
  truncated: number;
  fewestViews: number;
}

/**
 * Prepare labelled rows for a model: texts are encoded by its tokenizer, pictures decoded to its size, once.
 * @throws GraftError TOKENIZER_MISSING, DATA_MISMATCH, what decoding throws, and what an aborted `signal` gives
 */
export async function openLabelledTask(labelled: Labelled, options: LabelledTaskOptions): Promise<LabelledTask> {
  const { name, title = name, openStore = memoryRecordStore, signal, onProgress } = options;
  const { columns, classes, splits } = labelled;
  const prepare = preparer(labelled, options);
  const parts: Record<SplitName, Collected> = {
    train: newPart(openStore),
    validation: newPart(openStore),
    test: newPart(openStore),
  };
  const close = () => {
    for (const { store } of Object.values(parts)) store.close();
  };
  try {
    const total = splits.train.count + splits.validation.count + splits.test.count;
    let done = 0;
    for await (const { split, place, example } of labelled.read(signal)) {
      await collect(parts[split], example, await prepare(example, split, place), columns.kind === "tokens");
      if (++done % 100 === 0 || done === total) onProgress?.({ phase: "read examples", done, total, unit: "examples" });
    }
  } catch (error) {
    close();
    throw error;
  }
  const goal = goalOf(labelled, parts.train.targets);
  const views = Math.min(...Object.values(parts).map(({ fewestViews }) => fewestViews));
  const split = (name: SplitName) => splitOf(parts[name], goal, classes, views, columns.kind === "pair", options);
  const truncated = Object.values(parts).reduce((sum, part) => sum + part.truncated, 0);
  const cut =
    truncated > 0 ? [`${truncated} texts are longer than the model's ${options.tokenizer!.maxLength} tokens: cut`] : [];
  return {
    name,
    title,
    goal,
    train: split("train"),
    validation: split("validation"),
    test: split("test"),
    notes: [understood(labelled), ...labelled.notes, ...cut],
    augment: columns.input === "image" ? (options.augment ?? defaultShift(options.image!)) : undefined,
    close,
  };
}

/** What the columns were taken for, in one line. */
function understood({ columns: { kind, kindWhy, roles, unused } }: Labelled): string {
  const named = roles.map(
    ({ role, column, origin }) => `${role} = "${column}"${origin === "given" ? "" : " (guessed)"}`,
  );
  const rest = unused.length > 0 ? `; unused: ${unused.join(", ")}` : "";
  return `${kind} (${kindWhy}): ${named.join(", ")}${rest}`;
}

const defaultShift = ({ width }: ImageSize): Augmentation => ({ flip: false, shift: Math.floor(width / 16) });

const newPart = (openStore: () => RecordStore): Collected => ({
  store: openStore(),
  targets: [],
  lengths: [],
  truncated: 0,
  fewestViews: Number.POSITIVE_INFINITY,
});

/** What turns an example into what is stored of it: pixels, or encodings. */
function preparer(
  { columns, splits }: Labelled,
  { name, tokenizer, image, decode }: LabelledTaskOptions,
): (example: Example, split: SplitName, place: string) => Promise<Uint8Array | readonly Encoding[]> {
  if (columns.input === "image") {
    if (!image || !decode) throw mismatch(name, "pictures", "texts");
    return (example, split) => decode(example.image!, splits[split].table.folder);
  }
  if (image) throw mismatch(name, columns.input === "words" ? "words" : "texts", "pictures");
  if (!tokenizer)
    throw new GraftError("TOKENIZER_MISSING", {
      thing: `data "${name}"`,
      place: "it holds texts, and no tokenizer came with the model",
      remedy: "Open the model from a folder that has its tokenizer.json, or as hf:org/name",
    });
  if (columns.kind === "tokens") return async ({ words }) => [tokenizer.encodeWords(words!)];
  const isCompared = columns.kind === "triplet" || columns.kind === "pair_score";
  return async ({ texts }) =>
    isCompared ? texts!.map((text) => tokenizer.encode(text)) : [tokenizer.encode(texts![0]!, texts![1])];
}

const mismatch = (name: string, data: string, model: string) =>
  new GraftError("DATA_MISMATCH", {
    thing: `data "${name}"`,
    place: `it holds ${data}, the model takes ${model}`,
    remedy: "Choose data and model that go together",
  });

async function collect(
  part: Collected,
  example: Example,
  prepared: Uint8Array | readonly Encoding[],
  isTagged: boolean,
): Promise<void> {
  if (prepared instanceof Uint8Array) {
    part.store.append(prepared);
    part.lengths.push(0);
  } else {
    const words = isTagged ? prepared[0]!.words! : undefined;
    part.store.append(packExample(prepared, words));
    part.lengths.push(Math.max(...prepared.map(({ ids }) => ids.length)));
    if (prepared.some(({ truncated }) => truncated)) part.truncated++;
    part.fewestViews = Math.min(part.fewestViews, prepared.length);
  }
  part.targets.push(example.target);
}

function goalOf({ columns, classes }: Labelled, train: readonly Example["target"][]): Goal {
  const { kind, target } = columns;
  switch (kind) {
    case "pair":
    case "classify":
      return { kind: "classify", classes };
    case "multi_label":
    case "tokens":
      return { kind, classes };
    case "regress": {
      const numbers = train as readonly number[];
      return { kind, names: [target!], center: [mean(numbers)], scale: [standardDeviation(numbers) || 1] };
    }
    case "pair_score":
    case "triplet":
      return { kind };
  }
}

function splitOf(
  part: Collected,
  goal: Goal,
  classes: readonly string[],
  views: number,
  isPair: boolean,
  { tokenizer }: LabelledTaskOptions,
): Split {
  const { store, lengths } = part;
  const targets = targetsOf(part, goal, classes);
  const count = store.count;
  if (!tokenizer || views === Number.POSITIVE_INFINITY)
    return { kind: "image", count, targets, pixels: (index) => store.get(index) };
  const { padId, padTypeId, paddingSide } = tokenizer;
  return {
    kind: "text",
    count,
    targets,
    views,
    isPair,
    encodings: (index) => unpackEncodings(store.get(index)).slice(0, views),
    length: (index) => lengths[index]!,
    padding: { padId, padTypeId, paddingSide },
  };
}

function targetsOf({ targets, store }: Collected, goal: Goal, classes: readonly string[]): Targets {
  const classOf = new Map(classes.map((name, k) => [name, k]));
  switch (goal.kind) {
    case "classify":
      return { kind: "classes", labels: Int32Array.from(targets, (name) => classOf.get(String(name))!) };
    case "multi_label": {
      const values = new Float32Array(targets.length * classes.length);
      targets.forEach((names, row) => {
        for (const name of names as readonly string[]) values[row * classes.length + classOf.get(name)!] = 1;
      });
      return { kind: "numbers", width: classes.length, values };
    }
    case "regress":
    case "pair_score":
      return { kind: "numbers", width: 1, values: Float32Array.from(targets as number[]) };
    case "tokens": {
      const tags = targets.map((names) => Int32Array.from(names as readonly string[], (name) => classOf.get(name)!));
      return { kind: "tags", tags: (index) => tagsOfTokens(unpackWords(store.get(index)), tags[index]!) };
    }
    case "triplet":
      return { kind: "none" };
  }
}

/** The tag of a word goes to its first token; other tokens do not count. */
function tagsOfTokens(words: Int32Array, tags: Int32Array): Int32Array {
  return words.map((word, token) => (word < 0 || words[token - 1] === word ? IGNORED : tags[word]!));
}

/** What PyTorch ignores too. */
export const IGNORED = -100;
