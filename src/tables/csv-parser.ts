import { GraftError } from "../base/index.ts";
import { LONGEST_LINE, lineTooLong } from "./text.ts";

export interface CsvRecord {
  /** Line its first character stands in, from 1. */
  readonly line: number;
  /** Line it ends in: later than `line` where a quoted field holds line breaks. */
  readonly lastLine: number;
  readonly fields: readonly string[];
  /** What is wrong with its quotes; `fields` cannot be trusted then. */
  readonly fault?: GraftError;
}

export interface CsvParser {
  /** The records that are complete after this piece of text. */
  push(text: string): CsvRecord[];
  /** The last record, where no line break ends it. Throws DATA_QUOTES when a quote is still open. */
  end(): CsvRecord[];
}

const [QUOTE, LF, CR] = [34, 10, 13];
/** Field not started; in a bare field; in a quoted one; after a quote in one; skipping the rest of a bad line. */
const [START, BARE, QUOTED, CLOSING, BROKEN] = [0, 1, 2, 3, 4] as const;

/**
 * A CSV parser that takes text in pieces (RFC 4180, with \n, \r\n and \r alike). Quotes inside a bare field are characters,
 * as in Python's csv. Empty lines are no records. csv-parse, our oracle in tests, counts \r\n inside quotes as two lines
 * and loses its place after a bad quote; every error here must name the right line.
 * @param name       for errors
 * @param delimiter  one character
 * @param quotes     false: quotes are characters like any other
 */
export function csvParser(name: string, delimiter: string, quotes = true): CsvParser {
  const separator = delimiter.charCodeAt(0);
  let state: number = START;
  let line = 1;
  let firstLine = 1;
  let quoteLine = 1;
  let afterReturn = false; // a \n that comes now belongs to the \r before it
  let fields: string[] = [];
  let parts: string[] = []; // of the field being read
  let length = 0; // of the record being read, to bound it
  let fault: GraftError | undefined;

  const endField = (text: string, from: number, to: number) => {
    const tail = text.slice(from, to);
    fields.push(parts.length === 0 ? tail : parts.join("") + tail);
    parts = [];
  };
  const endRecord = (records: CsvRecord[]) => {
    const isBlank = fields.length === 1 && fields[0] === "" && state !== CLOSING && fault === undefined;
    if (!isBlank) records.push({ line: firstLine, lastLine: line, fields, fault });
    fields = [];
    fault = undefined;
    length = 0;
    state = START;
  };

  const push = (text: string): CsvRecord[] => {
    const records: CsvRecord[] = [];
    let from = 0; // where the part being read starts in `text`
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const endsPair = code === LF && afterReturn;
      afterReturn = code === CR;
      if (state === QUOTED) {
        if (code === QUOTE) {
          parts.push(text.slice(from, at));
          state = CLOSING;
        } else if ((code === LF && !endsPair) || code === CR) line++;
        continue;
      }
      if (endsPair) {
        from = at + 1;
        continue;
      }
      if (state === CLOSING && code === QUOTE) {
        from = at; // an escaped quote: the second of the two is the character
        state = QUOTED;
      } else if (code === LF || code === CR) {
        endField(text, state === CLOSING || state === BROKEN ? at : from, at);
        endRecord(records);
        line++;
        firstLine = line;
        from = at + 1;
      } else if (state === BROKEN) {
      } else if (code === separator) {
        endField(text, state === CLOSING ? at : from, at);
        state = START;
        from = at + 1;
      } else if (state === START && code === QUOTE && quotes) {
        state = QUOTED;
        quoteLine = line;
        from = at + 1;
      } else if (state === CLOSING) {
        fault = strayQuote(name, line, text[at]!);
        state = BROKEN;
      } else state = BARE;
    }
    if (state === START || state === BARE || state === QUOTED) parts.push(text.slice(from));
    length += text.length - from;
    if (length > LONGEST_LINE) throw state === QUOTED ? openQuote(name, quoteLine) : lineTooLong(name, firstLine);
    return records;
  };

  return {
    push,
    end() {
      if (state === QUOTED) throw openQuote(name, quoteLine);
      const records: CsvRecord[] = [];
      endField("", 0, 0);
      endRecord(records);
      return records;
    },
  };
}

function openQuote(name: string, line: number): GraftError {
  return new GraftError("DATA_QUOTES", {
    thing: `${name} line ${line}`,
    place: "a quote is opened there and never closed",
    remedy:
      'Close it; a quote inside a quoted field is written twice (""), one that starts a field needs quotes around it',
  });
}

function strayQuote(name: string, line: number, next: string): GraftError {
  return new GraftError("DATA_QUOTES", {
    thing: `${name} line ${line}`,
    place: `${JSON.stringify(next)} follows a closing quote`,
    remedy: 'Write a quote inside a quoted field twice ("")',
  });
}
