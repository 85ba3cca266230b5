import type { Split } from "../tasks/index.ts";
import type { FrozenCache } from "./frozen-cache.ts";

/** Frozen values kept from one training for the next ones on the same backbone. */
export interface FrozenShelf {
  /**
   * The cache of some values of a split's examples, made if it is not there. Its `close` puts it back.
   * @param key  what tells these values from others of the split
   */
  take(split: Split, key: string, make: () => Promise<FrozenCache | undefined>): Promise<FrozenCache | undefined>;
  /** Let go of everything. */
  close(): void;
}

/** A shelf for a search. It holds `capacity` caches, and drops those that were not used for longest. */
export function frozenShelf(capacity = 6): FrozenShelf {
  const kept: { readonly split: Split; readonly key: string; readonly cache: FrozenCache; users: number }[] = [];
  const drop = (from: number) => {
    for (let k = kept.length - 1; k >= from; k--) if (kept[k]!.users === 0) kept.splice(k, 1)[0]!.cache.close();
  };
  return {
    async take(split, key, make) {
      const at = kept.findIndex((one) => one.split === split && one.key === key);
      let entry = kept[at];
      if (entry) kept.splice(at, 1);
      else {
        drop(capacity - 1); // before there is one more
        const cache = await make();
        if (cache === undefined) return undefined;
        entry = { split, key, cache, users: 0 };
      }
      kept.unshift(entry);
      entry.users++;
      const { cache } = entry;
      const giveBack = once(() => {
        entry.users--;
        drop(capacity);
      });
      return { values: cache.values, close: giveBack };
    },
    close: () => drop(0),
  };
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
