import { listInText } from "./cells.ts";
import { type Cell, cellOf, type Row, type Table } from "./table.ts";

/** What a column is to a task. */
export type Role =
  | "text"
  | "textPair"
  | "image"
  | "label"
  | "score"
  | "tokens"
  | "tags"
  | "anchor"
  | "positive"
  | "negative";

export interface ColumnRole {
  readonly role: Role;
  readonly column: string;
  readonly origin: "given" | "guessed";
  /** Why, for people: `given`, or what in names or values says so. */
  readonly why: string;
}

/** Names by role, the likeliest first; only letters and digits count. */
const names = {
  text: "text sentence body review content document comment message utterance tweet question query title headline description abstract passage prompt input premise",
  image: "image img picture photo imagepath imagefile filename filepath path",
  label:
    "label labels class category target intent topic sentiment emotion team department tag rating stars y finelabel coarselabel",
  score: "score similarityscore similarity relevance value",
  tokens: "tokens words",
  tags: "tags nertags labels label postags chunktags entities",
  anchor: "anchor query question sentence text",
  positive: "positive pos",
  negative: "negative neg hardnegative",
} as const satisfies Partial<Record<Role, string>>;

const pairs: readonly (readonly [string, string])[] = [
  ["premise", "hypothesis"],
  ["sentence1", "sentence2"],
  ["question1", "question2"],
  ["text1", "text2"],
  ["texta", "textb"],
  ["sentencea", "sentenceb"],
  ["text", "textpair"],
  ["question", "sentence"],
  ["question", "answer"],
  ["query", "passage"],
  ["query", "document"],
];

const pictureFile = /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i;

/** The columns of a table, to be looked up by likely names, each used once. */
export function columnFinder(table: Table, sample: readonly Row[], taken: ReadonlySet<string>) {
  const used = new Set(taken);
  const free = () => table.columns.filter((column) => !used.has(column));
  const plain = (column: string) => column.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const values = (column: string) =>
    sample
      .map((row) => cellOf(row, column))
      .filter((cell): cell is Exclude<Cell, null> => cell !== undefined && cell !== null);
  const take = (role: Role, column: string, why: string): ColumnRole => {
    used.add(column);
    return { role, column, origin: "guessed", why };
  };
  const byName = (role: keyof typeof names, fits: (column: string) => boolean = () => true): ColumnRole | undefined => {
    for (const name of names[role].split(" ")) {
      const column = free().find((each) => plain(each) === name && fits(each));
      if (column !== undefined) return take(role, column, "its name says so");
    }
    return undefined;
  };
  const isList = (column: string) =>
    values(column).some((cell) => Array.isArray(cell) || (typeof cell === "string" && listInText(cell) !== undefined));
  const isText = (column: string) => values(column).some((cell) => typeof cell === "string") && !isList(column);

  return {
    free,
    has: (role: keyof typeof names) =>
      names[role].split(" ").some((name) => free().some((each) => plain(each) === name)),
    byName,
    tokens: () => byName("tokens", (column) => table.format === "conll" || isList(column)),
    tags: () => byName("tags", (column) => table.format === "conll" || isList(column)),
    image(): ColumnRole | undefined {
      const described = free().find((column) => table.features?.[column]?.image);
      if (described !== undefined) return take("image", described, "the data set says so");
      return byName("image", (column) =>
        values(column).some(
          (cell) =>
            (typeof cell === "string" && pictureFile.test(cell)) ||
            cell instanceof Uint8Array ||
            (typeof cell === "object" && "bytes" in cell),
        ),
      );
    },
    /** Two texts whose names go together; `first` where that one is known. */
    pair(first?: string): readonly ColumnRole[] {
      for (const [one, two] of pairs) {
        const a = first ?? free().find((each) => plain(each) === one);
        const b = free().find((each) => plain(each) === two);
        if (a === undefined || b === undefined || plain(a) !== one || !isText(b)) continue;
        const why = `"${a}" and "${b}" go together`;
        const second = take("textPair", b, why);
        return first === undefined ? [take("text", a, why), second] : [second];
      }
      return [];
    },
    text(): ColumnRole | undefined {
      const found = byName("text", isText);
      if (found) return found;
      // Else the column whose texts are longest, where they have blanks as sentences do.
      const length = (column: string) =>
        values(column).reduce((sum: number, cell) => sum + (typeof cell === "string" ? cell.length : 0), 0);
      const [longest] = free()
        .filter((column) => isText(column) && values(column).some((cell) => /\S\s+\S/.test(String(cell))))
        .sort((a, b) => length(b) - length(a));
      return longest === undefined ? undefined : take("text", longest, "its texts are the longest");
    },
    /** The only column left, whatever it is called; row numbers do not count. */
    only(role: Role): ColumnRole | undefined {
      const left = free().filter((column) => !/^(id|idx|index|column1|unnamed0)$/.test(plain(column)));
      return left.length === 1 ? take(role, left[0]!, "it is the only column left") : undefined;
    },
  };
}
