import type { FrozenProduct } from "../backbone/index.ts";
import { asFloat32, type Builder, type Graph, replay, type Tensor, tensorOf, type Value } from "../graph/index.ts";
import { frozenTensor, turned, withTensors } from "./frozen-tensors.ts";
import type { Site } from "./sites.ts";

/** A product where something is added. */
export interface AtProduct {
  readonly site: Site;
  readonly product: FrozenProduct;
  /** [.., in] */
  readonly x: Value;
  /** What it gives with its bias, [.., out]. */
  readonly y: Value;
}

/**
 * Replay a graph with something in place of frozen products' results.
 * @param change  from y to what later nodes read
 */
export function insertBeside(
  g: Builder,
  graph: Graph,
  sites: readonly Site[],
  change: (at: AtProduct) => Value,
): ReadonlyMap<string, Value> {
  const places = new Map<string, { site: Site; product: FrozenProduct }[]>();
  for (const site of sites)
    for (const product of site.products)
      places.set(product.output, [...(places.get(product.output) ?? []), { site, product }]);
  const inputs = new Set(sites.flatMap(({ products }) => products.map(({ input }) => input)));
  const seen = new Map<string, Value>();
  return replay(g, graph, new Map(), (name, value) => {
    const at = places.get(name) ?? [];
    const y = at.reduce((sum, { site, product }) => {
      const x = seen.get(product.input) ?? g.value(product.input);
      return change({ site, product, x, y: sum });
    }, value);
    if (inputs.has(name)) seen.set(name, y);
    return y;
  });
}

/** Numbers of a site's columns, [.., size], as numbers of all columns of its products, [.., out]; 0 in the others. */
export function onAllColumns(g: Builder, part: Value, { products, start, size }: Site): Value {
  const { outSize } = products[0]!;
  if (size === outSize) return part;
  const zeros = part.shape!.slice(1).map(() => 0);
  return g.op("Pad", [part, g.integers([...zeros, start, ...zeros, outSize - start - size])]);
}

/** The frozen matrix of a site's columns, [in, size]. */
export function matrixOf(g: Builder, { products, start, size }: Site): Value {
  const { weight, isTransposed, outSize } = products[0]!;
  const value = g.value(weight);
  const matrix = isTransposed ? g.transpose(value, [1, 0]) : value;
  return size === outSize ? matrix : g.slice(matrix, 1, start, start + size);
}

/** A site's columns of its frozen matrix, row-major [in, size]; undefined where the file does not keep it in floating point. */
export function siteMatrix(graph: Graph, site: Site): Float32Array | undefined {
  const frozen = frozenTensor(graph, site.products[0]!.weight);
  return frozen && columnsOf(site, frozen);
}

function columnsOf({ products, start, size }: Site, frozen: Tensor): Float32Array {
  const { isTransposed, inSize, outSize } = products[0]!;
  const matrix = asFloat32(isTransposed ? turned(frozen) : frozen);
  const columns = new Float32Array(inSize * size);
  for (let row = 0; row < inSize; row++)
    columns.set(matrix.subarray(row * outSize + start, row * outSize + start + size), row * size);
  return columns;
}

/**
 * Write new matrices into a graph.
 * @param changed  from a site's frozen columns [in, size] to the new ones, both row-major
 * @returns        undefined where the file does not keep a matrix in floating point, or reads it elsewhere too
 */
export function mergeSites(
  graph: Graph,
  sites: readonly Site[],
  changed: (site: Site, columns: Float32Array) => Float32Array,
): Graph | undefined {
  const merged = new Map<string, Tensor>();
  for (const site of sites) {
    const { weight, isTransposed, inSize, outSize } = site.products[0]!;
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(weight));
    const frozen = readers.length === site.products.length ? frozenTensor(graph, weight) : undefined;
    if (frozen === undefined) return undefined;
    const before = merged.get(weight) ?? frozen;
    const matrix = asFloat32(isTransposed ? turned(before) : before).slice();
    const next = changed(site, columnsOf(site, before));
    const { start, size } = site;
    for (let row = 0; row < inSize; row++)
      matrix.set(next.subarray(row * size, (row + 1) * size), row * outSize + start);
    const tensor = tensorOf("float32", [inSize, outSize], matrix);
    merged.set(weight, isTransposed ? turned(tensor) : tensor);
  }
  return withTensors(graph, merged);
}
