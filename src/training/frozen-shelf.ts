import type { Split } from "../tasks/index.ts";
import type { FrozenColumn } from "./frozen-cache.ts";

/** Frozen values kept from one training for the next ones on the same backbone, each of its own. */
export interface FrozenShelf {
  /** Bytes it holds at most, but for what is in use. */
  readonly bytes: number;
  /** Whether it is worth it to keep the values of pictures that change from epoch to epoch: trainings of one seed meet the same. */
  readonly keepsEpochs: boolean;
  /**
   * Some values of a split's examples; those that are not there are made together. A column's `close` puts it back.
   * @param key   what tells these values from others of the split and the name
   * @param make  undefined where there is no room
   */
  take(
    split: Split,
    key: string,
    names: readonly string[],
    make: (missing: readonly string[]) => Promise<readonly FrozenColumn[] | undefined>,
  ): Promise<readonly FrozenColumn[] | undefined>;
  /** Let go of a split's values: nobody will ask for them again. */
  forget(split: Split): void;
  /** Let go of everything. */
  close(): void;
}

export interface FrozenShelfOptions {
  /** Default 4 GiB; what memory has no room for lies in temporary files. */
  readonly bytes?: number;
  /** Default false: a training alone would keep what it never meets again. */
  readonly keepsEpochs?: boolean;
}

interface Entry {
  readonly split: Split;
  readonly key: string;
  readonly column: FrozenColumn;
  users: number;
}

/** A shelf for a search. It drops the values that were not used for longest. */
export function frozenShelf({ bytes = 2 ** 32, keepsEpochs = false }: FrozenShelfOptions = {}): FrozenShelf {
  // Last used first.
  let kept: Entry[] = [];
  const dropBeyond = (most: number) => {
    let held = 0;
    const isHeld = ({ users, column }: Entry) => {
      held += column.bytes;
      return users > 0 || held <= most;
    };
    const [stays, goes] = [kept.filter(isHeld), new Set(kept)];
    for (const entry of stays) goes.delete(entry);
    for (const { column } of goes) column.close();
    kept = stays;
  };
  const use = (entry: Entry): FrozenColumn => {
    kept = [entry, ...kept.filter((other) => other !== entry)];
    entry.users++;
    const giveBack = once(() => {
      entry.users--;
      dropBeyond(bytes);
    });
    return { ...entry.column, close: giveBack };
  };
  return {
    bytes,
    keepsEpochs,
    async take(split, key, names, make) {
      const find = (name: string) =>
        kept.find((one) => one.split === split && one.key === key && one.column.name === name);
      const missing = names.filter((name) => find(name) === undefined);
      const taken = new Map(names.flatMap((name) => (missing.includes(name) ? [] : [[name, use(find(name)!)]])));
      const made = missing.length === 0 ? [] : await make(missing).catch(giveAllBack);
      if (made === undefined) giveAllBack();
      for (const column of made ?? []) taken.set(column.name, use({ split, key, column, users: 0 }));
      dropBeyond(bytes);
      return made && names.map((name) => taken.get(name)!);

      function giveAllBack(error?: unknown): undefined {
        for (const column of taken.values()) column.close();
        if (error !== undefined) throw error;
      }
    },
    forget(split) {
      const goes = kept.filter((entry) => entry.split === split && entry.users === 0);
      kept = kept.filter((entry) => !goes.includes(entry));
      for (const { column } of goes) column.close();
    },
    close: () => dropBeyond(0),
  };
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
