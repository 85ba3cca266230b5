import { type AdapterOptions, adapterParameters, type Placement } from "../adapters/index.ts";
import { type Backbone, type SubLayerFlops, subLayerFlops, traceBackbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";

/** What adapters may cost. */
export interface Limits {
  /** Most trainable parameters of the adapters; the head is not counted. */
  readonly maxParameters?: number | undefined;
  /** Most operations of a forward pass, estimated, as a multiple of the plain backbone's: 1.3 is 30 % more. */
  readonly maxLatency?: number | undefined;
}

export interface PlacementCost {
  readonly parameters: number;
  /** Multiple of the plain backbone's operations; absent where nobody asked. */
  readonly latency?: number;
}

/** Limits, and what placements on a backbone cost. */
export interface Budget extends Limits {
  costOf(placement: Placement): PlacementCost;
}

/** Tokens of a text whose forward pass is counted, as `measureLatency` feeds them. */
const TOKENS = 32;

/**
 * Get ready to hold placements on a backbone to limits. For `maxLatency` the backbone is traced once.
 * @param adapter  settings of the adapters that are to be placed
 * @returns        undefined where there is no limit
 * @throws GraftError LIMIT_OUT_OF_RANGE
 */
export async function openBudget(
  backbone: Backbone,
  { maxParameters, maxLatency }: Limits,
  adapter: AdapterOptions = {},
): Promise<Budget | undefined> {
  if (maxParameters === undefined && maxLatency === undefined) return undefined;
  if (maxParameters !== undefined && !(maxParameters >= 0)) throw outOfRange("maxParameters", maxParameters, 0);
  if (maxLatency !== undefined && !(maxLatency >= 1)) throw outOfRange("maxLatency", maxLatency, 1);
  const { hiddenSize: d } = backbone;
  const profile = maxLatency === undefined ? undefined : await flopsOf(backbone);
  return {
    maxParameters,
    maxLatency,
    costOf: (placement) => ({
      parameters: adapterParameters(placement, d, adapter).reduce(
        (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
        0,
      ),
      ...(profile && { latency: latencyOf(placement, d, profile) }),
    }),
  };
}

/** Whether a placement keeps to a budget. */
export function keepsTo({ maxParameters, maxLatency, costOf }: Budget, placement: Placement): boolean {
  const { parameters, latency = 1 } = costOf(placement);
  return (
    parameters <= (maxParameters ?? Number.POSITIVE_INFINITY) && latency <= (maxLatency ?? Number.POSITIVE_INFINITY)
  );
}

/** What a placement costs, and what is allowed, for errors. */
export function overBudget(
  text: string,
  what: string,
  { parameters, latency }: PlacementCost,
  limits: Limits,
): GraftError {
  const { maxParameters, maxLatency } = limits;
  const costs = [
    ...(maxParameters === undefined ? [] : [`${parameters} parameters of ${maxParameters} allowed`]),
    ...(maxLatency === undefined ? [] : [`${latency!.toFixed(3)} forward passes of ${maxLatency} allowed`]),
  ];
  return new GraftError("OVER_BUDGET", {
    thing: `placement "${text}"`,
    place: `${what}: ${costs.join(", ")}`,
    remedy: "Allow more (maxParameters, maxLatency), lower the rank, or let a selector with a count choose fewer edges",
  });
}

interface Profile {
  readonly flops: SubLayerFlops;
  readonly total: number;
  readonly tokens: number;
}

async function flopsOf(backbone: Backbone): Promise<Profile> {
  const traced = await traceBackbone(backbone, { batchSize: 1, tokens: TOKENS });
  const flops = subLayerFlops(backbone, traced);
  const [, tokens] = traced.types.get(backbone.states[0]!)!.shape as [number, number, number];
  return { flops, tokens, total: flops.before + flops.subLayers.reduce((a, b) => a + b, 0) + flops.after };
}

/**
 * Operations with adapters over those without. An adapter's projections take 4·d·r a token. With a recurrent edge the
 * sub-layers from the first state that an adapter changes to the last source that a recurrent edge reads run twice.
 */
function latencyOf(placement: Placement, d: number, { flops, total, tokens }: Profile): number {
  const own = placement.reduce((sum, { rank }) => sum + 4 * tokens * d * rank, 0);
  const changed = Math.min(...placement.map(({ to }) => to));
  const read = Math.max(...placement.filter(({ from, to }) => from > to).map(({ from }) => from));
  const twice = flops.subLayers.slice(changed, Math.max(changed, read)).reduce((a, b) => a + b, 0);
  return (total + own + twice) / total;
}

const outOfRange = (name: string, value: number, least: number): GraftError =>
  new GraftError("LIMIT_OUT_OF_RANGE", {
    thing: `${name} ${value}`,
    place: least === 0 ? "it limits a number of parameters" : "it is a multiple of the plain backbone's forward pass",
    remedy: `Choose ${least} or more`,
  });
