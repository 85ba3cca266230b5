import type { Backbone } from "../backbone/index.ts";
import type { Gradients } from "./edge-gradients.ts";
import { openFactorSums } from "./factor-sums.ts";
import type { Evidence, Wanted } from "./judge.ts";
import type { ProbeFactors } from "./probe-pass.ts";
import type { ScoreSettings } from "./scores/score.ts";
import { openSpectra } from "./spectra.ts";
import { openWhitening } from "./whitening.ts";

/** Opens what some scores of edges are made of, and nothing else. @param sizes  of the probe's groups */
export async function openScoreTools(
  backbone: Backbone,
  wanted: readonly Wanted[],
  sizes: readonly number[],
  { threads, ...settings }: ScoreSettings & { readonly threads?: number | undefined },
) {
  const n = backbone.states.length;
  const { hiddenSize: d } = backbone;
  const ofFactors = wanted.flatMap(({ name, score }) => ("ofFactors" in score ? [{ name, score }] : []));
  const isWhitened = wanted.some(({ score }) => "ofGradient" in score && score.whitened);
  const findsSpectra = wanted.some(({ score }) => "ofSpectrum" in score);
  const sums = ofFactors.length > 0 ? openFactorSums(backbone, ofFactors, sizes, { threads, ...settings }) : undefined;
  const whitening = isWhitened ? openWhitening(backbone, { threads }) : undefined;
  const spectra = findsSpectra ? await openSpectra(backbone, { threads }) : undefined;
  return {
    findsSpectra,
    needsGradients: findsSpectra || wanted.some(({ score }) => "ofGradient" in score),
    async add(factors: ProbeFactors): Promise<void> {
      await sums?.add(factors);
      await whitening?.add(factors);
    },
    /**
     * What is known of the edges into a state.
     * @param column  the gradients of some groups of the probe together
     */
    async evidenceOf(column: Gradients, to: number, groups: readonly number[], cap: number): Promise<Evidence> {
      const { gradients } = column;
      const found: Float64Array[] = [];
      await spectra?.ofColumn(column, (from, sigma) => {
        found[from] = sigma;
      });
      return {
        n,
        rows: d,
        columns: d,
        gradients,
        whitened: await whitening?.ofColumn(gradients),
        spectra: spectra && found,
        meanOf: (name) => sums!.meanOf(name, to, groups),
        cap,
      };
    },
    async close(): Promise<void> {
      await sums?.close();
      await whitening?.close();
      await spectra?.close();
    },
  };
}
