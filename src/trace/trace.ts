import { breathe, GraftError } from "../base/index.ts";
import { constantsToInitializers, elementCount, type Graph, prune, type ValueType } from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { bypassCopies, bypassIdleCasts } from "./bypass.ts";
import { refuseDataDependentShapes } from "./data-dependent.ts";
import { type Dependence, dependences } from "./dependence.ts";
import { dummyFeeds } from "./dummy-feeds.ts";
import { foldShapes } from "./fold-shapes.ts";
import { inlineBranches } from "./inline-branches.ts";
import { inferWithRuntime, observeShapes } from "./observe.ts";
import type { StaticType } from "./static-type.ts";

/** Rounds of inferring and folding before the model is run instead. */
const MAX_ROUNDS = 8;

/**
 * Make a graph static: bind the inputs' shapes, find the type and shape of every value, and fold what follows from
 * shapes alone (shape arithmetic, masks and ranges made from sizes, scalars such as √d). Values keep their names; weights
 * are not folded, so that every product with a weight can still be differentiated. `Constant` nodes become initializers,
 * branches on shapes are decided, and `Identity`, inference `Dropout`, idle casts and whatever no output needs go.
 *
 * Types come from the runtime's own inference, in turns with folding. Only where that does not settle a shape (and to
 * decide branches) is the model run, once, on zeros at the bound batch size.
 * @param inputShapes  a shape for every input of the graph; `bindShapes` makes them
 * @returns            a graph in which `types` holds a dtype and a shape of numbers for every value
 * @throws             GraftError TRACE_INPUT (no or wrong shape for an input), TRACE_DATA_DEPENDENT (a shape depends on the data
 *                     fed), TRACE_CONTROL_FLOW (a loop, or a branch on the data), TRACE_TRAINING_MODE, or the runtime's own error
 * @see                docs/architecture.md, decision 3
 */
export async function trace(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>>,
  runtime: Runtime,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Graph> {
  await breathe(signal);
  const read = prune(constantsToInitializers(graph));
  const straight = await inlineBranches(read, dummyFeeds(bindInputs(read, inputShapes)), runtime);
  const bound = bindInputs(prune(bypassCopies(constantsToInitializers(straight))), inputShapes);
  const dependence = dependences(bound);
  refuseDataDependentShapes(bound, dependence);
  const { folded, types } = await settle(bound, dependence, runtime, signal);
  return prune(bypassIdleCasts({ ...folded, types }));
}

/** Infer and fold in turns: each shape that is folded lets the runtime infer further. */
async function settle(
  bound: Graph,
  dependence: ReadonlyMap<string, Dependence>,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<{ folded: Graph; types: Map<string, StaticType> }> {
  const types = new Map<string, StaticType>();
  for (const name of bound.inputs) types.set(name, bound.types.get(name) as StaticType);
  for (const [name, { dtype, shape }] of bound.initializers) types.set(name, { dtype, shape });
  let folded = bound;
  for (let round = 0, open = Number.POSITIVE_INFINITY; ; round++) {
    const unsettled = await inferWithRuntime(folded, dependence, types, runtime);
    await breathe(signal);
    if (unsettled.size > 0 && (unsettled.size >= open || round === MAX_ROUNDS)) {
      await observeShapes(folded, unsettled, types, runtime);
      return { folded: await foldShapes(folded, dependence, types, runtime), types };
    }
    folded = await foldShapes(folded, dependence, types, runtime);
    await breathe(signal);
    if (unsettled.size === 0) return { folded, types };
    open = unsettled.size;
  }
}

/** Give every input its concrete shape and drop the types that held for open dimensions. */
function bindInputs(graph: Graph, inputShapes: Readonly<Record<string, readonly number[]>>): Graph {
  const types = new Map<string, ValueType>();
  for (const name of graph.inputs) {
    const declared = graph.types.get(name);
    const shape = inputShapes[name];
    const fits =
      shape !== undefined &&
      !Number.isNaN(elementCount(shape)) &&
      (!declared?.shape ||
        (declared.shape.length === shape.length &&
          declared.shape.every((dim, k) => typeof dim !== "number" || dim === shape[k])));
    if (!fits || declared === undefined)
      throw new GraftError("TRACE_INPUT", {
        thing: `input "${name}"`,
        place: `declared as ${declared?.dtype ?? "?"}[${declared?.shape?.map((dim) => dim ?? "?").join(", ") ?? "?"}], ${
          shape ? `bound to [${shape.join(", ")}]` : "bound to nothing"
        }`,
        remedy: "Bind every input to a shape the model allows",
      });
    types.set(name, { dtype: declared.dtype, shape });
  }
  return { ...graph, types };
}
