import { didYouMean, GraftError } from "../base/index.ts";
import { cellError, imageIn, labelIn, labelsIn, numberIn, textIn, textsIn, wordsIn } from "./cells.ts";
import { type ColumnRole, columnFinder, type Role } from "./guess-columns.ts";
import { type Cell, counted, listed, noRows, type Row, type Table, unknownColumn } from "./table.ts";
import { labelSeparator, type TargetShape, type TaskKind, targetShape, taskKinds } from "./task-kind.ts";

/** Columns as the user names them; those left out are guessed. */
export interface ColumnNames extends Readonly<Partial<Record<Role, string>>> {
  readonly kind?: TaskKind;
  /** Between the labels of one cell, for `multi_label`; default: guessed, `|` or `,`. */
  readonly labelSeparator?: string;
}

/** One row, understood. */
export interface Example {
  /** One text; two for pairs; anchor, positive and negatives (none, one or more) for triplets. */
  readonly texts?: readonly string[];
  /** Words of a sentence, for `tokens`. */
  readonly words?: readonly string[];
  /** An encoded picture, or its path as the table has it: relative to the table's `folder`. */
  readonly image?: Uint8Array | string;
  /** Class name; class names (`multi_label`); one tag a word (`tokens`); number; null for triplets. */
  readonly target: string | readonly string[] | number | null;
}

/** What the columns mean. */
export interface Columns {
  readonly kind: TaskKind;
  /** What says so, for people. */
  readonly kindWhy: string;
  readonly input: "text" | "image" | "words";
  readonly roles: readonly ColumnRole[];
  /** Column of the target; undefined for triplets. */
  readonly target: string | undefined;
  readonly unused: readonly string[];
  /** Names of the classes, where the data set has them. */
  readonly classNames?: readonly string[];
  readonly labelSeparator?: string;
  /**
   * Understand one row.
   * @throws GraftError naming the row: its `fault`, or MISSING_CELL, EMPTY_TEXT, EMPTY_LABEL, CELL_KIND, UNLABELLED,
   *         UNKNOWN_CLASS, TAG_COUNT
   */
  readExample(row: Row): Example;
}

/** Rows whose values are looked at. */
const SAMPLE_ROWS = 1000;

type Family = "text" | "pair" | "image" | "words" | "triplet";
type Given = ReadonlyMap<Role, ColumnRole>;

/**
 * Find out what the columns of a table mean: as named, else by their names, features and first values.
 * @throws GraftError UNKNOWN_COLUMN, NO_COLUMN (which role has none, and what there is), COLUMN_ROLES for names that
 *         contradict each other, TASK_KIND, EMPTY_SPLIT, and the fault of the first row where none can be read
 */
export async function findColumns(table: Table, names: ColumnNames = {}, signal?: AbortSignal): Promise<Columns> {
  const sample: Row[] = [];
  let fault: GraftError | undefined;
  for await (const row of table.rows(signal)) {
    if (row.fault === undefined) sample.push(withoutBytes(row));
    fault ??= row.fault;
    if (sample.length === SAMPLE_ROWS) break;
  }
  if (sample.length === 0) throw fault ?? noRows(table);
  return columnsFrom(table, sample, names);
}

/** A row as its kinds of values show it: a thousand pictures need not be held to know that they are pictures. */
function withoutBytes(row: Row): Row {
  const light = (cell: Cell): Cell => {
    if (cell instanceof Uint8Array) return cell.slice(0, 16);
    if (typeof cell !== "object" || cell === null || Array.isArray(cell)) return cell;
    return Object.fromEntries(Object.entries(cell).map(([key, inner]) => [key, light(inner)]));
  };
  return { place: row.place, cells: light(row.cells) as Row["cells"] };
}

/** `findColumns` for rows at hand. */
export function columnsFrom(table: Table, sample: readonly Row[], names: ColumnNames): Columns {
  const { kind } = names;
  if (kind !== undefined && !taskKinds.includes(kind)) {
    const remedy = `${didYouMean(kind, taskKinds)}There are ${taskKinds.join(", ")}`;
    throw new GraftError("TASK_KIND", { thing: `kind "${kind}"`, place: "there is no such kind of task", remedy });
  }
  const given = givenRoles(table, names);
  const finder = () => columnFinder(table, sample, new Set([...given.values()].map(({ column }) => column)));
  const family = givenFamily(given, kind) ?? likelyFamily(finder);
  const roles = rolesOf(family, given, finder(), table, kind);
  const target = roles.find(({ role }) => role === "label" || role === "score" || role === "tags");
  const shape = target && targetShape(sample, target.column);
  const decided = decideKind(family, kind, target, shape, table);
  const separator =
    decided.kind === "multi_label"
      ? (names.labelSeparator ?? shape?.separator ?? separatorIn(sample, target))
      : undefined;
  const used = new Set(roles.map(({ column }) => column));
  const classNames =
    decided.kind === "regress" || decided.kind === "pair_score" || target === undefined
      ? undefined
      : table.features?.[target.column]?.classNames;
  return {
    ...decided,
    input: family === "words" || family === "image" ? family : "text",
    roles,
    target: target?.column,
    unused: table.columns.filter((column) => !used.has(column)),
    classNames,
    labelSeparator: separator,
    readExample: exampleReader(decided.kind, roles, separator, classNames),
  };
}

function separatorIn(sample: readonly Row[], target: ColumnRole | undefined): string | undefined {
  const texts = sample.flatMap(({ cells }) =>
    target && typeof cells[target.column] === "string" ? [cells[target.column] as string] : [],
  );
  return labelSeparator(texts) ?? (texts.some((text) => text.includes(",")) ? "," : undefined);
}

const roleNames: readonly Role[] = [
  "text",
  "textPair",
  "image",
  "label",
  "score",
  "tokens",
  "tags",
  "anchor",
  "positive",
  "negative",
];

function givenRoles(table: Table, names: ColumnNames): Given {
  const given = new Map<Role, ColumnRole>();
  for (const role of roleNames) {
    const column = names[role];
    if (column === undefined) continue;
    if (!table.columns.includes(column)) throw unknownColumn(column, table);
    const other = [...given.values()].find((each) => each.column === column);
    if (other) {
      throw new GraftError("COLUMN_ROLES", {
        thing: `column "${column}"`,
        place: `it is named both as ${other.role} and as ${role}`,
        remedy: "Name two columns",
      });
    }
    given.set(role, { role, column, origin: "given", why: "given" });
  }
  const [score, label] = [given.get("score"), given.get("label")];
  if (score && label) {
    throw new GraftError("COLUMN_ROLES", {
      thing: `label "${label.column}" and score "${score.column}"`,
      place: "a task has one target",
      remedy: "Name a label to tell classes apart, or a score to predict a number",
    });
  }
  return given;
}

/** What the named columns and the kind say the inputs are. */
function givenFamily(given: Given, kind: TaskKind | undefined): Family | undefined {
  const found: Family[] = [];
  if (given.has("tokens") || given.has("tags")) found.push("words");
  if (given.has("anchor") || given.has("positive") || given.has("negative")) found.push("triplet");
  if (given.has("image")) found.push("image");
  if (given.has("textPair")) found.push("pair");
  else if (given.has("text")) found.push(kind === "pair" || kind === "pair_score" ? "pair" : "text");
  const [first, second] = found;
  if (first !== undefined && second !== undefined) {
    throw new GraftError("COLUMN_ROLES", {
      thing: `columns ${listed([...given.values()].map(({ role, column }) => `"${column}" (${role})`))}`,
      place: "they belong to different kinds of task",
      remedy:
        "Name text and label, text, text pair and label, image and label, tokens and tags, or anchor and positive",
    });
  }
  if (first !== undefined) return first;
  if (kind === "tokens") return "words";
  if (kind === "triplet") return "triplet";
  return kind === "pair" || kind === "pair_score" ? "pair" : undefined;
}

function likelyFamily(finder: () => ReturnType<typeof columnFinder>): Family {
  if (finder().has("positive")) return "triplet";
  const words = finder();
  if (words.tokens() && words.tags()) return "words";
  const pair = finder();
  if (pair.pair().length > 0 && (pair.byName("label") || pair.byName("score"))) return "pair";
  return finder().image() ? "image" : "text";
}

function rolesOf(
  family: Family,
  given: Given,
  finder: ReturnType<typeof columnFinder>,
  table: Table,
  kind: TaskKind | undefined,
): ColumnRole[] {
  const need = (role: Role, find: () => ColumnRole | undefined): ColumnRole => {
    const found = given.get(role) ?? find();
    if (found !== undefined) return found;
    throw new GraftError("NO_COLUMN", {
      thing: table.name,
      place: `none of its columns looks like the ${role === "textPair" ? "second text" : role}`,
      remedy: `Name it; there are ${listed(table.columns.map((column) => `"${column}"`))}`,
    });
  };
  const target = () =>
    given.get("score") ??
    need("label", () => {
      const [first, second] =
        kind === "regress" || kind === "pair_score" ? (["score", "label"] as const) : (["label", "score"] as const);
      return finder.byName(first) ?? finder.byName(second) ?? finder.only("label");
    });
  switch (family) {
    case "words":
      return [need("tokens", finder.tokens), need("tags", () => finder.tags() ?? finder.only("tags"))];
    case "triplet": {
      const roles = [need("anchor", () => finder.byName("anchor")), need("positive", () => finder.byName("positive"))];
      const negative = given.get("negative") ?? finder.byName("negative");
      return negative ? [...roles, negative] : roles;
    }
    case "image":
      return [need("image", finder.image), target()];
    case "pair": {
      // The target's name first: what is left are texts.
      const named = given.get("text");
      const both = given.has("textPair") ? [] : finder.pair(named?.column);
      const goal = target();
      const text = need("text", () => both.find(({ role }) => role === "text") ?? finder.text());
      const second = need("textPair", () => {
        const found = both.find(({ role }) => role === "textPair") ?? finder.text();
        return found && { ...found, role: "textPair" };
      });
      return [text, second, goal];
    }
    case "text": {
      // A label found by name first: it may be longer than the text.
      const goal = given.get("label") ?? given.get("score") ?? finder.byName(kind === "regress" ? "score" : "label");
      const text = need("text", finder.text);
      return [text, goal ?? target()];
    }
  }
}

function decideKind(
  family: Family,
  kind: TaskKind | undefined,
  target: ColumnRole | undefined,
  shape: TargetShape | undefined,
  table: Table,
): { kind: TaskKind; kindWhy: string } {
  const fitting: Readonly<Record<Family, readonly TaskKind[]>> = {
    words: ["tokens"],
    triplet: ["triplet"],
    pair: ["pair", "pair_score"],
    image: ["classify", "multi_label", "regress"],
    text: ["classify", "multi_label", "regress"],
  };
  if (kind !== undefined) {
    if (fitting[family].includes(kind)) return { kind, kindWhy: "given" };
    throw new GraftError("TASK_KIND", {
      thing: `kind "${kind}"`,
      place: `it does not go with the columns of a task of kind ${fitting[family].join(" or ")}`,
      remedy: `Name other columns, or choose ${fitting[family].join(" or ")}`,
    });
  }
  if (family === "words") return { kind: "tokens", kindWhy: "each word has a tag" };
  if (family === "triplet" || target === undefined || shape === undefined)
    return { kind: "triplet", kindWhy: "there are positives" };
  const [classes, numbers] = family === "pair" ? (["pair", "pair_score"] as const) : (["classify", "regress"] as const);
  const what = `column "${target.column}"`;
  if (shape.is === "number") return { kind: numbers, kindWhy: `${what}: ${shape.why}` };
  if (shape.is === "classes") {
    if (family !== "pair") return { kind: "multi_label", kindWhy: `${what}: ${shape.why}` };
    throw new GraftError("TASK_KIND", {
      thing: `${table.name}, ${what}`,
      place: `${shape.why}, and a pair of texts has one class`,
      remedy: "Choose a label column with one class a row, or set kind to pair if that is one class",
    });
  }
  const isScore = target.role === "score" && shape.why.includes("numbers");
  if (isScore) return { kind: numbers, kindWhy: `${what} is a score of whole numbers` };
  const hint = shape.looksRated ? `; if they are ratings, --kind ${numbers} learns them as numbers` : "";
  return { kind: classes, kindWhy: `${what}: ${shape.why}${hint}` };
}

function exampleReader(
  kind: TaskKind,
  roles: readonly ColumnRole[],
  separator: string | undefined,
  classNames: readonly string[] | undefined,
): (row: Row) => Example {
  const column = (role: Role) => roles.find((each) => each.role === role)?.column;
  const target = column("label") ?? column("score");
  const readTarget: Record<Exclude<TaskKind, "tokens" | "triplet">, (row: Row) => Example["target"]> = {
    classify: (row) => labelIn(row, target!, classNames),
    pair: (row) => labelIn(row, target!, classNames),
    multi_label: (row) => labelsIn(row, target!, separator, classNames),
    regress: (row) => numberIn(row, target!),
    pair_score: (row) => numberIn(row, target!),
  };
  if (kind === "tokens") {
    const [tokens, tags] = [column("tokens")!, column("tags")!];
    return (row) => {
      const [words, target] = [wordsIn(row, tokens), wordsIn(row, tags, classNames)];
      if (words.length === target.length) return { words, target };
      const what = `holds ${counted(target.length, "tag")} for ${counted(words.length, "word")} in "${tokens}"`;
      throw cellError("TAG_COUNT", row, tags, what, "Give each word one tag");
    };
  }
  if (kind === "triplet") {
    const [anchor, positive, negative] = [column("anchor")!, column("positive")!, column("negative")];
    return (row) => {
      const negatives = negative === undefined ? [] : textsIn(row, negative);
      return { texts: [textIn(row, anchor), textIn(row, positive), ...negatives], target: null };
    };
  }
  const image = column("image");
  if (image !== undefined) return (row) => ({ image: imageIn(row, image), target: readTarget[kind](row) });
  const texts = [column("text")!, ...(column("textPair") === undefined ? [] : [column("textPair")!])];
  return (row) => ({ texts: texts.map((each) => textIn(row, each)), target: readTarget[kind](row) });
}
