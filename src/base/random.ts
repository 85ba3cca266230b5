/** A seeded stream of random numbers. The same seed gives the same numbers on every platform. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, n). */
  int(n: number): number;
  /** Uniform in [low, high). */
  uniform(low: number, high: number): number;
  /** Standard normal. */
  normal(): number;
  /** The integers 0..n-1 in random order. */
  permutation(n: number): Uint32Array;
}

/**
 * Open a stream (sfc32, Chris Doty-Humphrey's small fast counter).
 * @param seed    any integers; equal lists give equal streams, so `random(seed, epoch, index)` derives independent
 *                streams without shared state and a resumed run needs no generator state
 */
export function random(...seed: readonly number[]): Random {
  let [a, b, c] = mixSeed(seed);
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let k = 0; k < 12; k++) bits();
  const next = () => bits() / 2 ** 32;
  const int = (n: number) => Math.floor(next() * n);
  return {
    next,
    int,
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    permutation(n) {
      const order = Uint32Array.from({ length: n }, (_, k) => k);
      for (let k = n - 1; k > 0; k--) {
        const other = int(k + 1);
        [order[k], order[other]] = [order[other]!, order[k]!];
      }
      return order;
    },
  };
}

/** A 32-bit number for a name, to derive a stream per purpose: `random(seed, nameSeed("shuffle"), epoch)`. FNV-1a. */
export function nameSeed(name: string): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < name.length; k++) hash = Math.imul(hash ^ name.charCodeAt(k), 0x01000193);
  return hash >>> 0;
}

/** Fold a list of integers into three words; both halves of integers beyond 32 bits count. */
function mixSeed(seed: readonly number[]): [number, number, number] {
  const state: [number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
  for (const value of seed) {
    for (const word of [value | 0, Math.floor(value / 2 ** 32) | 0]) {
      for (let k = 0; k < 3; k++) {
        let h = state[k]! ^ word;
        h = Math.imul(h ^ (h >>> 16), 0x85ebca6b + 2 * k);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        state[k] = (h ^ (h >>> 16)) | 0;
      }
    }
  }
  return state;
}
