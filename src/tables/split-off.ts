import { nameSeed, random } from "../base/index.ts";
import type { SplitName } from "./table.ts";

/** Rows to deal out. */
export interface Dealt {
  /** For each row the first one of equal content: they stay together. */
  readonly firstRow: Uint32Array;
  /** Stratum of each row, as an index into `strata`. */
  readonly stratumOf: ArrayLike<number>;
  readonly strata: readonly string[];
}

/**
 * Deal rows out to splits: of each stratum the given shares to validation and test, at least one row where it has enough,
 * and always some to train. Rows of equal content go to the same split. Depends on the seed and the rows alone.
 * @param shares  of the rows; 0 leaves a split empty
 * @returns       a split for each row, as an index into `splitNames`
 */
export function splitOff(
  { firstRow, stratumOf, strata }: Dealt,
  shares: Readonly<Record<Exclude<SplitName, "train">, number>>,
  seed: number,
): Uint8Array {
  const parts = new Uint8Array(firstRow.length);
  if (shares.validation === 0 && shares.test === 0) return parts;
  const sizes = new Uint32Array(firstRow.length); // of a group, at its first row
  for (const first of firstRow) sizes[first]!++;
  const groups: number[][] = strata.map(() => []);
  for (const [row, first] of firstRow.entries()) if (row === first) groups[stratumOf[row]!]!.push(row);
  for (const [k, members] of groups.entries()) {
    const rows = members.reduce((sum, first) => sum + sizes[first]!, 0);
    const order = random(seed, nameSeed("split"), nameSeed(strata[k]!)).permutation(members.length);
    let left = Array.from(order, (index) => members[index]!);
    for (const [part, share] of [shares.validation, shares.test].entries()) {
      if (share === 0) continue;
      const taken = takeGroups(left, sizes, Math.max(1, Math.round(share * rows)));
      for (const first of taken) parts[first] = part + 1;
      left = left.filter((first) => !taken.has(first));
    }
  }
  for (const [row, first] of firstRow.entries()) parts[row] = parts[first]!;
  return parts;
}

/** Groups in order as long as they fit into so many rows; the smallest where none does; never all of them. */
function takeGroups(groups: readonly number[], sizes: Uint32Array, rows: number): Set<number> {
  const taken = new Set<number>();
  let count = 0;
  for (const group of groups) {
    if (count === rows || taken.size === groups.length - 1) break;
    if (count + sizes[group]! > rows) continue;
    taken.add(group);
    count += sizes[group]!;
  }
  if (taken.size === 0 && groups.length > 1) taken.add(groups.reduce((a, b) => (sizes[b]! < sizes[a]! ? b : a)));
  return taken;
}
