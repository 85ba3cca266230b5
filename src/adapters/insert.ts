import type { Backbone } from "../backbone/index.ts";
import { type Builder, type Graph, replay, type Value } from "../graph/index.ts";
import { AdapterOptions, adapter } from "./adapter.ts";
import type { PlacedEdge, Placement } from "./placement.ts";

/**
 * Put adapters on a placement's edges (the paper's graph, several edges together as docs/method.md completes it):
 *
 *   z_j = x_{j−1} + F_j(x_{j−1}) + Σ_{(i,j), i≠j} A_ij(source_i),   x_j = z_j, or z_j + A_jj(z_j) where (j, j) is chosen;
 *   source_i is this run's x_i for i < j, and the plain backbone's x̂_i, of a first run on the same batch, for i > j.
 *
 * With `insideBranch`, A_jj acts on F_j instead: z_j = x_{j−1} + F_j + A_jj(F_j) + …
 *
 * The builder must hold `graph` already: those nodes are the first run. What no adapter reaches is shared between the
 * two runs, and without recurrent edges nothing reads the first one, so that pruning drops it.
 *
 * @param tensors  adapter parameters by name
 * @param mark     called with z_j of every state j; what it returns takes its place
 * @returns        for every value name of `graph`, what stands for it in the adapted run
 */
export function insertAdapters(
  g: Builder,
  graph: Graph,
  { states, sums, branches }: Pick<Backbone, "states" | "sums" | "branches">,
  placement: Placement,
  tensors: ReadonlyMap<string, Value>,
  options: AdapterOptions = {},
  mark: (state: number, z: Value) => Value = (_, z) => z,
): ReadonlyMap<string, Value> {
  const incoming = byTarget(placement);
  const adapted = new Map<number, Value>();
  const indexOf = (names: readonly string[]) => new Map(names.map((name, index) => [name, index]));
  const stateIndex = indexOf(states);
  const { beforeNorm, insideBranch } = AdapterOptions.parse(options);
  const targetIndex = beforeNorm ? indexOf(sums) : stateIndex;
  const branchIndex = indexOf(insideBranch ? branches : []);
  const source = ({ from, to }: PlacedEdge) => (from < to ? adapted.get(from)! : g.value(states[from]!));

  const addAdapters = (j: number, value: Value): Value => {
    const edges = incoming.get(j) ?? [];
    const add = (sum: Value, edge: PlacedEdge, x: Value) => g.add(sum, adapter(g, x, edge, tensors, options));
    const sum = edges.filter(({ from }) => from !== j).reduce((sum, edge) => add(sum, edge, source(edge)), value);
    const z = mark(j, sum);
    return insideBranch ? z : addSequential(j, z);
  };
  const addSequential = (j: number, value: Value): Value =>
    (incoming.get(j) ?? [])
      .filter(({ from }) => from === j)
      .reduce((sum, edge) => g.add(sum, adapter(g, sum, edge, tensors, options)), value);

  return replay(g, graph, new Map(), (name, value) => {
    const branch = branchIndex.get(name);
    if (branch !== undefined) return addSequential(branch + 1, value);
    const target = targetIndex.get(name);
    const x = target === undefined ? value : addAdapters(target, value);
    const state = stateIndex.get(name);
    if (state !== undefined) adapted.set(state, x);
    return x;
  });
}

/** Edges by target, those of one target in order of their source: a placement is a set, its result does not depend on order. */
function byTarget(placement: Placement): Map<number, PlacedEdge[]> {
  const groups = new Map<number, PlacedEdge[]>();
  for (const edge of [...placement].sort((a, b) => a.from - b.from)) {
    const group = groups.get(edge.to);
    if (group) group.push(edge);
    else groups.set(edge.to, [edge]);
  }
  return groups;
}
