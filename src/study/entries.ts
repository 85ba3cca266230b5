import { type PlacementEntry, parseEntries } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";

/**
 * The edges of a placement that is written out, `4-5,20-3@r16`; none of every other method. None as well of what only looks
 * like one: the export of another version may hold methods that this one cannot read, and is to be looked at all the same.
 */
export function entriesOf(method: string): readonly PlacementEntry[] {
  if (!/^\s*\d/.test(method)) return [];
  try {
    return parseEntries(method);
  } catch (error) {
    if (error instanceof GraftError) return [];
    throw error;
  }
}
