import type { Score } from "./score.ts";

/**
 * SNIP's saliency Σ|w·g|. Of a LoRA site w is the frozen matrix. Of an edge it is a linear adapter's: an adapter that starts at 0 has w = 0 and no saliency; w is taken as what it
 * could start from, a normal draw of standard deviation 1/√d, in expectation over draws: E|w| · Σ|g| = √(2 / (π·d)) · Σ|g|.
 */
export const snipScore = {
  summary: "SNIP: sum of |w · g|, expected over random starts w",
  source: "Lee et al. 2019, arXiv 1810.02340, for weights that are there",
  readsFrozen: true,
  ofGradient({ data, rows }, _, frozen) {
    let sum = 0;
    for (let k = 0; k < data.length; k++) sum += Math.abs(data[k]! * (frozen?.[k] ?? 1));
    return frozen ? sum : Math.sqrt(2 / (Math.PI * rows)) * sum;
  },
} as const satisfies Score;
