import type { Backbone } from "../backbone/index.ts";
import { type Graph, prune } from "../graph/index.ts";
import { countProducts, type FrozenProducts } from "./count-products.ts";
import { floatProducts } from "./float-products.ts";
import { type WeightCache, weightCache } from "./frozen-weights.ts";
import { int8Limit } from "./int8-limit.ts";
import { quantizeFrozen } from "./quantize-frozen.ts";

/** How products with frozen weights are computed in training. */
export type BackbonePrecision = "fp32" | "int8";

/** A backbone to train on, and how many of its products are in int8; without those, none is. */
export interface LowerBackbone {
  readonly backbone: Backbone;
  /** A graph that is made of the backbone as its runtime opens it. */
  lower(graph: Graph): Graph;
  readonly products?: FrozenProducts;
}

/** Int8 weights made for a model, for as long as something uses them: a plan of memory makes them, and the training after it. */
const caches = new WeakMap<Graph, WeakRef<WeightCache>>();

function cacheOf(graph: Graph): WeightCache {
  const cache = caches.get(graph)?.deref() ?? weightCache();
  caches.set(graph, new WeakRef(cache));
  return cache;
}

/**
 * A backbone to train on. With `int8`, every graph that is made of it and opened in its runtime has its frozen products in
 * int8 (`quantizeFrozen`), forward and backward alike; states, names and everything else stay as they are.
 * @throws GraftError INT8_PRODUCTS
 */
export async function atPrecision(backbone: Backbone, precision: BackbonePrecision): Promise<LowerBackbone> {
  if (precision === "fp32") return { backbone, lower: (graph) => graph };
  const { runtime, features } = backbone;
  const options = { limit: await int8Limit(runtime), cache: cacheOf(backbone.graph) };
  const graph = floatProducts(backbone.graph);
  const lower = (whole: Graph) => quantizeFrozen(whole, options);
  return {
    lower,
    backbone: {
      ...backbone,
      graph,
      runtime: { ...runtime, open: (whole, session) => runtime.open(lower(whole), session) },
    },
    products: countProducts(lower(prune({ ...graph, outputs: [features] }))),
  };
}
