import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { findSites, type Site, siteMatrix } from "../methods/index.ts";
import type { Task } from "../tasks/index.ts";
import { isOfGradients, judge, type Wanted } from "./judge.ts";
import { openProbe } from "./probe.ts";
import { openProbePass } from "./probe-pass.ts";
import { countTies, ranking } from "./ranking.ts";
import type { ScoreOptions } from "./score-edges.ts";
import { DEFAULT_SCORE, type ScoreName, scores } from "./scores/index.ts";
import type { ScoreSettings } from "./scores/score.ts";
import { checkEta, DEFAULT_ETA } from "./scores/srank.ts";
import { siteSums } from "./site-gradients.ts";
import { ofSites, type RankedSites, type SiteScore, type SiteScores } from "./site-scores.ts";
import { openSiteTools } from "./site-tools.ts";

export interface SiteOptions extends Omit<ScoreOptions, "confidence" | "groups" | "after" | "stride" | "checkpoint"> {
  /** Which products, as LoRA's targets: roles (`q`), roles of a block (`11.q`), names of the file, or `all`; default all. */
  readonly targets?: readonly string[];
}

/**
 * Score where LoRA may go: of every product y = x·W with a frozen matrix the gradient ∂L/∂W = xᵀ · ∂L/∂y, judged as an edge's is,
 * from one forward and one backward pass over the probe.
 * @throws GraftError TARGET_UNKNOWN, SCORE_UNSUITED for a score that means nothing there; and as `scoreEdges`
 */
export async function scoreSites(backbone: Backbone, task: Task, options: SiteOptions = {}): Promise<SiteScores> {
  const { score = DEFAULT_SCORE, ...others } = options;
  return (await scoreSitesBy(backbone, task, [score], others)).get(score)!;
}

/** Several scores of every site from one pass, as `scoreEdgesBy`. */
export async function scoreSitesBy(
  backbone: Backbone,
  task: Task,
  names: readonly ScoreName[],
  options: Omit<SiteOptions, "score"> = {},
): Promise<ReadonlyMap<ScoreName, SiteScores>> {
  const begun = performance.now();
  const { eta = DEFAULT_ETA, seed = 0, targets = ["all"] } = options;
  checkEta(eta);
  const settings = { ...options, eta, seed };
  const sites = findSites(backbone, targets);
  const wanted = names.map((name): Wanted => ({ name, score: scores[name] }));
  // Before the pass: what means nothing here is refused now.
  const all = new Map(
    wanted.filter((one) => !isOfGradients(one)).map((one) => [one.name, scoredAlone(sites, one, settings)]),
  );
  const judged = wanted.some(isOfGradients)
    ? await scoreOnProbe(backbone, task, sites, wanted.filter(isOfGradients), settings)
    : undefined;
  for (const [name, scored] of judged?.sites ?? []) all.set(name, scored);
  const seconds = (performance.now() - begun) / 1000;
  return new Map(
    wanted.map((one) => [
      one.name,
      {
        schema: 1,
        scoreName: one.name,
        sites: all.get(one.name)!,
        ties: countTies(ofSites({ sites: all.get(one.name)! })),
        ...(isOfGradients(one) && { examples: judged!.examples, head: judged!.head }),
        ...(one.name === "srank" && { eta }),
        seconds,
        backbone: { name: backbone.name, hash: backbone.hash },
        task: task.name,
        seed,
      },
    ]),
  );
}

type Settings = Omit<SiteOptions, "score"> & { readonly eta: number; readonly seed: number };

async function scoreOnProbe(
  backbone: Backbone,
  task: Task,
  sites: readonly Site[],
  wanted: readonly Wanted[],
  settings: Settings,
) {
  const { threads, signal, onProgress, eta, seed } = settings;
  const frozen = frozenMatrices(backbone, sites, wanted); // refused now, not after the pass
  const { indices, head, headName } = await openProbe(backbone, task, settings);
  const pass = await openProbePass(backbone, task, indices, head, { threads, signal });
  const call = { eta, seed, onProgress, examples: indices.length };
  const sums = await siteSums(backbone, pass, sites, wanted, call);
  const judged = new Map(wanted.map(({ name }) => [name, [] as SiteScore[]]));
  const isWhitened = wanted.some(({ score }) => "ofGradient" in score && score.whitened);
  const findsSpectra = wanted.some(({ score }) => "ofSpectrum" in score);
  const operations = findsSpectra ? sites.reduce((sum, site) => sum + shortOf(site) ** 3, 0) : 0;
  const tools = await openSiteTools(backbone.runtime, { threads, operations });
  try {
    for (const [k, { site, gradient, activeTokens, means, moment }] of sums.entries()) {
      const [rows, columns] = [site.products[0]!.inSize, site.size];
      const cap = Math.min(activeTokens, shortOf(site));
      const evidence = {
        n: 1,
        rows,
        columns,
        gradients: gradient,
        whitened: isWhitened ? await tools.whiten(gradient, moment, rows, columns) : undefined,
        spectra: findsSpectra ? [await tools.singularValues(gradient, rows, columns)] : undefined,
        meanOf: (name: ScoreName) => means.get(name)!,
        frozen: frozen.get(site),
        cap,
      };
      const { values, entropy } = judge(evidence, wanted, { eta, seed }, () => `site ${site.name}`);
      for (const { name, score } of wanted)
        judged.get(name)!.push({
          ...about(site),
          score: values.get(name)![0]!,
          ...("ofSpectrum" in score && { tieBreak: entropy[0]! }),
          cap,
        });
      onProgress?.({ phase: "ranks", done: k + 1, total: sites.length, unit: "sites" });
    }
  } finally {
    await tools.close();
  }
  return { sites: judged, examples: indices.length, head: headName };
}

function scoredAlone(sites: readonly Site[], { name, score }: Wanted, settings: ScoreSettings): SiteScore[] {
  if (!("ofEdge" in score && "ofSite" in score))
    throw new GraftError("SCORE_UNSUITED", {
      thing: `the score ${name}`,
      place: "it says nothing about LoRA's sites, which are merged and cost no operations",
      remedy: "Choose another; `graft score --list` shows all",
    });
  const count = sites.length;
  return sites.map((site, at) => ({
    ...about(site),
    score: score.ofSite!({ ...about(site), at, count }, settings),
  }));
}

const about = ({ name, products, size }: Site) => ({ name, inSize: products[0]!.inSize, outSize: size });

const shortOf = ({ products, size }: Site) => Math.min(products[0]!.inSize, size);

/** Of each site its frozen matrix, where a score reads it. */
function frozenMatrices({ graph, name: model }: Backbone, sites: readonly Site[], wanted: readonly Wanted[]) {
  const reader = wanted.find(({ score }) => "ofGradient" in score && score.readsFrozen);
  const matrices = new Map<Site, Float32Array>();
  for (const site of reader ? sites : []) {
    const matrix = siteMatrix(graph, site);
    if (!matrix)
      throw new GraftError("SCORE_UNSUITED", {
        thing: `the score ${reader!.name} of site ${site.name}`,
        place: `"${model}" does not keep its matrix "${site.products[0]!.weight}" in floating point`,
        remedy: "Choose another score, or the model's float file (--dtype fp32)",
      });
    matrices.set(site, matrix);
  }
  return matrices;
}

/** Check that so many sites can be taken of all, which is known before they are scored. Throws COUNT_OUT_OF_RANGE. */
export function checkSiteCount(count: number, all: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= all) return;
  throw new GraftError("COUNT_OUT_OF_RANGE", {
    thing: `the best ${count} sites`,
    place: `there are ${all}`,
    remedy: `Choose a whole number from 1 to ${all}`,
  });
}

/** Names of the best sites, the best first: what LoRA takes as targets. */
export function bestSites(found: RankedSites, count: number): readonly string[] {
  const { sites } = found;
  checkSiteCount(count, sites.length);
  return ranking(ofSites(found))
    .slice(0, count)
    .map((at) => sites[at]!.name);
}
