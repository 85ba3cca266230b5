/** Token ids of one example, with its special tokens. */
export interface Encoding {
  readonly ids: Int32Array;
  /** 0 for the first text, 1 for the second where the model tells them apart; as long as `ids`. */
  readonly typeIds: Int32Array;
  /** From `encodeWords`: the word of each token, −1 for special tokens; as long as `ids`. */
  readonly words?: Int32Array;
  /** Some tokens did not fit `maxLength`. */
  readonly truncated: boolean;
}

/** A model's own way of turning text into token ids, equal to Python's `transformers`. */
export interface Tokenizer {
  /** Tokens of an encoding at most, special ones included; Infinity where neither files nor caller say. */
  readonly maxLength: number;
  readonly padId: number;
  readonly padTypeId: number;
  readonly paddingSide: "right" | "left";
  /** Ids are below it. */
  readonly vocabularySize: number;
  /**
   * Ids with special tokens. What exceeds `maxLength` is cut from the end the files say, of a pair from the longer text
   * first. An empty `pair` still makes a pair.
   * @throws GraftError TOKENIZER_LENGTH if `maxLength` leaves a pair no room
   */
  encode(text: string, pair?: string): Encoding;
  /**
   * Words that are split already, as in CoNLL; `words` of the result says which token belongs to which. A word may
   * have no token. Byte-level tokenizers see a space before each word (Python's `add_prefix_space=True`).
   */
  encodeWords(words: readonly string[]): Encoding;
}
