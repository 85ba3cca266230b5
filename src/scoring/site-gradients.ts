import { differentiate } from "../autodiff/index.ts";
import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import type { Builder, Value } from "../graph/index.ts";
import type { Site } from "../methods/index.ts";
import type { Wanted } from "./judge.ts";
import type { BatchValues, LossOutputs, ProbePass } from "./probe-pass.ts";
import type { ScoreName } from "./scores/index.ts";
import type { OfFactors, ScoreSettings } from "./scores/score.ts";

/** What is summed of a site over the probe. */
export interface SiteSums {
  readonly site: Site;
  /** ∂L/∂W = xᵀ · ∂L/∂y of y = x·W, [in, size], averaged over the examples; empty where it is not wanted. */
  readonly gradient: Float32Array;
  /** Tokens that received a gradient. */
  readonly activeTokens: number;
  /** What scores sum over factors, averaged over the examples. */
  readonly means: ReadonlyMap<ScoreName, Float32Array>;
  /** Second moment of x over tokens, [in, in]; empty where it is not wanted. */
  readonly moment: Float64Array;
}

/** Bytes of gradients and moments that a pass may give at once. */
const BLOCK_BYTES = 2 ** 29;

interface Wants {
  readonly gradients: boolean;
  readonly moments: boolean;
  readonly factors: readonly { readonly name: ScoreName; readonly score: OfFactors }[];
}

const wantsOf = (wanted: readonly Wanted[]): Wants => ({
  gradients: wanted.some(({ score }) => "ofSpectrum" in score || "ofGradient" in score),
  moments: wanted.some(({ score }) => "ofGradient" in score && score.whitened),
  factors: wanted.flatMap(({ name, score }) => ("ofFactors" in score ? [{ name, score }] : [])),
});

/**
 * Pass the probe for the gradients of frozen matrices: once, or where they are large once for each block of them.
 * @param examples  of the probe
 */
export async function siteSums(
  backbone: Backbone,
  pass: ProbePass,
  sites: readonly Site[],
  wanted: readonly Wanted[],
  { examples, onProgress, ...settings }: ScoreSettings & Pick<LongCall, "onProgress"> & { readonly examples: number },
): Promise<readonly SiteSums[]> {
  const wants = wantsOf(wanted);
  const blocks = blocksOf(sites, wants);
  const all: SiteSums[] = [];
  let done = 0;
  for (const block of blocks) {
    const sums = block.map((site) => emptySums(site, wants));
    const build: LossOutputs = (g, loss, batch) =>
      outputsOf(g, loss, backbone, block, wants, { ...settings, ...batch });
    await pass.runTo(build, (outputs, batch) => {
      for (const [k, sum] of sums.entries()) {
        const add = (name: string, into: Float32Array | Float64Array, factor: number) => {
          const data = outputs[`${k}/${name}`]!.data as Float32Array;
          for (let at = 0; at < into.length; at++) into[at]! += factor * data[at]!;
        };
        sum.activeTokens += (outputs[`${k}/active`]!.data as Float32Array)[0]!;
        if (wants.gradients) add("gradient", sum.gradient, batch.examples / examples);
        if (wants.moments) {
          add("moment", sum.moment, 1);
          sum.tokens += (outputs[`${k}/tokens`]!.data as Float32Array)[0]!;
        }
        for (const { name } of wants.factors) {
          const { data } = outputs[`${k}/${name}`]!;
          if (!sum.means.has(name)) sum.means.set(name, new Float32Array(data.length));
          add(name, sum.means.get(name)!, 1 / examples);
        }
      }
      done += batch.examples;
      onProgress?.({ phase: "gradients", done, total: examples * blocks.length, unit: "examples" });
    });
    for (const { tokens, moment, ...rest } of sums) all.push({ ...rest, moment: moment.map((x) => x / tokens) });
  }
  return all;
}

function emptySums(site: Site, { gradients, moments }: Wants) {
  const { inSize } = site.products[0]!;
  return {
    site,
    gradient: new Float32Array(gradients ? inSize * site.size : 0),
    moment: new Float64Array(moments ? inSize ** 2 : 0),
    activeTokens: 0,
    tokens: 0,
    means: new Map<ScoreName, Float32Array>(),
  };
}

function blocksOf(sites: readonly Site[], { gradients, moments }: Wants): readonly (readonly Site[])[] {
  const blocks: Site[][] = [[]];
  let bytes = 0;
  for (const site of sites) {
    const { inSize } = site.products[0]!;
    const own = 4 * ((gradients ? inSize * site.size : 0) + (moments ? inSize ** 2 : 0));
    if (bytes + own > BLOCK_BYTES && blocks.at(-1)!.length > 0) {
      blocks.push([]);
      bytes = 0;
    }
    blocks.at(-1)!.push(site);
    bytes += own;
  }
  return blocks;
}

function outputsOf(
  g: Builder,
  loss: Value,
  { states }: Backbone,
  sites: readonly Site[],
  wants: Wants,
  { real, examples, sequences, ...settings }: ScoreSettings & Omit<BatchValues, "adapted">,
): string[] {
  const results = [...new Set(sites.flatMap(({ products }) => products.map(({ output }) => output)))];
  const cotangents = differentiate(
    g,
    loss,
    results.map((name) => g.value(name)),
  );
  const tokens = g.value(states[0]!).shape![1] as number;
  const names: string[] = [];
  const output = (name: string, value: Value) => void names.push(g.rename(value, name).name);
  for (const [k, { products, start, size }] of sites.entries()) {
    const { inSize, outSize } = products[0]!;
    // Several products with one matrix are one with more tokens.
    const rows = (value: Value, width: number) => g.reshape(value, [sequences, -1, width]);
    const masked = products.map(({ input }) => {
      const x = rows(g.value(input), inSize);
      const mask = x.shape![1] === tokens ? g.reshape(real, [sequences, tokens, 1]) : g.filled([1, 1, 1], 1);
      return { x: g.mul(x, mask), mask: g.expand(mask, [sequences, x.shape![1] as number, 1]) };
    });
    const x = g.concat(
      masked.map(({ x }) => x),
      1,
    ); // [sequences, tokens, in]
    const whole = g.concat(
      products.map(({ output }) => rows(cotangents[results.indexOf(output)]!, outSize)),
      1,
    );
    const delta = size === outSize ? whole : g.slice(whole, 2, start, start + size);
    const largest = g.reduceMax(g.op("Abs", [delta]), [2]);
    output(`${k}/active`, g.reduceSum(g.cast(g.greater(largest, g.scalar(0)), "float32"), [0, 1, 2]));
    const flat = g.reshape(x, [-1, inSize]);
    const turned = g.transpose(flat, [1, 0]);
    if (wants.gradients) output(`${k}/gradient`, g.matmul(turned, g.reshape(delta, [-1, size])));
    if (wants.moments) {
      output(`${k}/moment`, g.matmul(turned, flat));
      output(
        `${k}/tokens`,
        g.reduceSum(
          g.concat(
            masked.map(({ mask }) => mask),
            1,
          ),
          [0, 1, 2],
        ),
      );
    }
    const own = g.unsqueeze(g.mul(delta, examples), [0]);
    for (const { name, score } of wants.factors)
      output(`${k}/${name}`, score.sumOf(g, g.unsqueeze(x, [0]), own, { ...settings, of: "site" }));
  }
  return names;
}
