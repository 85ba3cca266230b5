import * as library from "@huggingface/tokenizers";

/** What one of the library's models offers, in its own spelling. */
export interface LibraryModel {
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  /** Pieces to tokens of the vocabulary; what is not in it is unknown. */
  encode(pieces: readonly string[]): readonly string[];
}

/**
 * The parts of @huggingface/tokenizers that we use. Its declarations name each other without file extension, which
 * TypeScript cannot follow as Node resolves modules, so the types stand here.
 */
export const { BPE, WordPiece, SplitPreTokenizer } = library as unknown as {
  readonly BPE: new (model: unknown) => LibraryModel;
  readonly WordPiece: new (model: unknown) => LibraryModel;
  readonly SplitPreTokenizer: new (part: {
    readonly type: "Split";
    readonly pattern: { readonly Regex: string };
    readonly invert: boolean;
  }) => { readonly pattern: RegExp | null };
};
