import { describeNode, elementCount, type Graph, type Node } from "../graph/index.ts";
import { isCausal, isTextTower } from "./causal.ts";
import { convolutionDetours } from "./detours.ts";
import { findNorms } from "./find-norms.ts";
import { type FrozenProduct, findProducts } from "./find-products.ts";
import { type GraphIndex, indexGraph, isWeightedProduct, sameShape, views } from "./graph-index.ts";
import { normOf, normSource } from "./norm.ts";
import { prefixTokens } from "./prefix-tokens.ts";
import { refuse } from "./refuse.ts";
import { ancestors, pathNodes, type ResidualStep, residualSteps, sumOperands } from "./residual-steps.ts";
import { withoutQuantizers } from "./without-quantizers.ts";

/** One sub-layer: what leads from a hidden state to the next. */
export interface SubLayer {
  readonly kind: "attention" | "feed-forward";
  /** Names of the frozen tensors it reads, its norm's included. */
  readonly weights: readonly string[];
}

/** The residual stream of an encoder. */
export interface FoundStates {
  /** Value names of the 2L + 1 hidden states, each [batch, tokens, hiddenSize]. State 0 enters block 0. */
  readonly states: readonly string[];
  /** For each state the residual sum before its norm; in a pre-norm model, and for state 0, the state itself. */
  readonly sums: readonly string[];
  readonly blocks: number;
  /** "pre": the states are the residual sums. "post": they are the norms of those sums. */
  readonly normPosition: "pre" | "post";
  readonly hiddenSize: number;
  /** Tokens at the traced input sizes. */
  readonly tokens: number;
  /** Leading tokens that do not come from the input: class, distillation, register tokens. */
  readonly prefixTokens: number;
  /** Value a head reads, [batch, tokens, hiddenSize]: the norm of the last state where it has one, else the last state. */
  readonly features: string;
  /** Sub-layer k leads from state k to state k + 1. */
  readonly subLayers: readonly SubLayer[];
  /** For each sub-layer the value that is added to the stream, F(x). */
  readonly branches: readonly string[];
  /** The sub-layers' products with frozen matrices. */
  readonly products: readonly FrozenProduct[];
  /** Value names of all norms' gains and biases. */
  readonly norms: readonly string[];
}

/**
 * Find the hidden states of a transformer encoder by structure alone; no name is looked at.
 *
 * The residual stream is the longest chain of sums x + F(x) in which F passes through a product with a weight, each
 * sum's x being the sum before it (pre-norm) or that sum's layer norm (post-norm). Its sub-layers must alternate
 * between attention over all tokens and feed-forward.
 * @param graph  traced: static shapes, shape arithmetic folded (`trace`); traced at 2 or more tokens
 * @throws       GraftError STATES_NONE, STATES_CONVOLUTIONAL, STATES_WINDOWED, STATES_PARALLEL, STATES_CAUSAL, STATES_STREAMS
 *               (encoder-decoder, two towers), STATES_LAYOUT, STATES_PATTERN, STATES_FUSED: what was found, where it stopped, what
 *               to do
 * @see          docs/method.md, "Hidden states and edges"
 */
export function findStates(graph: Graph): FoundStates {
  const index = indexGraph(withoutQuantizers(graph));
  const steps = residualSteps(index);
  const byOutput = new Map(steps.map((step) => [step.output, step]));
  const isBorder = (name: string) => byOutput.has(name);
  const detours = convolutionDetours(index, byOutput);
  const links = new Map(steps.map((step) => [step, linkOf(index, step, byOutput, detours)]));
  const stream = mainStream(index, steps, links);
  const normPosition = normPositionOf(stream, links);
  checkLayout(index, stream);
  checkPattern(index, stream);

  const last = stream.at(-1)!;
  const final = normOf(index, last.output, isBorder);
  const states = [...stream.map((step) => step.source), normPosition === "pre" ? last.output : final];
  if (final === undefined && normPosition === "post") throw refuse.lastNorm(describeNode(last.sum), stream.length / 2);
  const named = states as string[];
  const lastState = named.at(-1)!;
  const features = normOf(index, lastState, isBorder) ?? lastState;
  const causal = stream.find((step) => isCausal(index, step));
  if (causal && !isTextTower(index, features, named)) throw refuse.causal(describeNode(causal.sum));
  const shape = index.shape(lastState);
  return {
    states: named,
    sums: normPosition === "pre" ? named : [named[0]!, ...stream.map((step) => step.output)],
    blocks: stream.length / 2,
    normPosition,
    hiddenSize: shape[2]!,
    tokens: shape[1]!,
    prefixTokens: prefixTokens(index, named[0]!),
    features,
    subLayers: stream.map((step, k) => ({
      kind: step.attended === undefined ? "feed-forward" : "attention",
      weights: weightsBetween(index, named[k]!, named[k + 1]!),
    })),
    branches: branchesIn(graph, stream),
    products: findProducts(index, graph, stream),
    norms: findNorms(index),
  };
}

/** As the sums of the graph itself read them, and not a value that a quantiser makes of it or made it from. */
function branchesIn(graph: Graph, stream: readonly ResidualStep[]): readonly string[] {
  const sums = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  return stream.map(({ sum, output, branch }) => sums.get(output)!.inputs[sum.inputs.indexOf(branch)]!);
}

interface Link {
  readonly previous: ResidualStep;
  readonly normPosition: "pre" | "post";
}

/** The step whose sum, or whose sum's norm, a step starts from. */
function linkOf(
  index: GraphIndex,
  step: ResidualStep,
  byOutput: ReadonlyMap<string, ResidualStep>,
  detours: ReadonlyMap<string, ResidualStep>,
): Link | undefined {
  for (const source of views(index, unmasked(index, step.source))) {
    const direct = byOutput.get(source);
    if (direct) return { previous: direct, normPosition: "pre" };
    const normed = normSource(index, source, (name) => byOutput.has(name) || detours.has(name));
    const previous = normed === undefined ? undefined : (byOutput.get(normed) ?? detours.get(normed));
    if (previous) return { previous, normPosition: "post" };
  }
  return undefined;
}

/** A value before its tokens were multiplied by a mask, [batch, tokens, 1], that was not computed from it (a norm's root is). */
function unmasked(index: GraphIndex, name: string): string {
  const node = index.producer(name);
  if (node?.op !== "Mul") return name;
  const [x, y] = node.inputs as [string, string];
  const isMask = (side: string, of: string) =>
    index.isData(side) && index.shape(side).at(-1) === 1 && !ancestors(index, [side], () => false).has(of);
  return isMask(y, x) ? x : isMask(x, y) ? y : name;
}

/** The longest chain of linked steps that attends; refuses models that have several, or none. */
function mainStream(
  index: GraphIndex,
  steps: readonly ResidualStep[],
  links: ReadonlyMap<ResidualStep, Link | undefined>,
): readonly ResidualStep[] {
  const followed = new Set([...links.values()].map((link) => link?.previous));
  const chains = steps
    .filter((step) => !followed.has(step))
    .map((step) => {
      const chain = [step];
      for (let link = links.get(step); link; link = links.get(link.previous)) chain.unshift(link.previous);
      return chain;
    })
    .filter((chain) => chain.some((step) => step.attended !== undefined))
    .sort((a, b) => b.length - a.length);
  const [main] = chains;
  if (main === undefined) throw refuse.none(index, steps);
  const stray = main.find((step) => step.attended !== undefined && parallelTo(index, step));
  if (stray) throw refuse.parallel(describeNode(stray.sum));
  const other = chains.slice(1).find((chain) => chain.some((step) => step.attended && !main.includes(step)));
  if (other) {
    const windowed = main.find((step) => step.attended && step.attended !== tokensOf(index, step));
    if (windowed) throw refuse.windowed(describeNode(windowed.sum), windowed.attended!, tokensOf(index, windowed));
    const reads = (chain: readonly ResidualStep[], source: readonly ResidualStep[]) =>
      chain.some((step) => source.some(({ output }) => step.side.has(output)));
    throw refuse.streams(
      chains.map((chain) => chain.length),
      reads(main, other) || reads(other, main),
    );
  }
  return main;
}

/** Whether another branch that starts from the step's own x joins its sum: attention and feed-forward in parallel. */
function parallelTo(index: GraphIndex, step: ResidualStep): boolean {
  const joins = index.consumers(step.output).some((node) => {
    const operand = sumOperands(index, node)?.find((name) => name !== step.output);
    if (operand === undefined) return false;
    if (pathNodes(index, step.output, operand)) return false;
    return pathNodes(index, step.source, operand)?.some((inner) => isWeightedProduct(index, inner)) ?? false;
  });
  return joins || step.nodes.some((node) => isJoin(index, step, node));
}

/** Inside a branch: a sum of an attention result and a feed-forward result, neither of which leads to the other. */
function isJoin(index: GraphIndex, step: ResidualStep, node: Node): boolean {
  const operands = sumOperands(index, node);
  if (!operands || !sameShape(index.shape(node.outputs[0]!), index.shape(step.output))) return false;
  const paths = operands.map((operand) => pathNodes(index, step.source, operand));
  const attends = paths.map((path) => path?.some(({ op }) => op === "Softmax") ?? false);
  return attends[0] !== attends[1] && paths.every((path) => path?.some((inner) => isWeightedProduct(index, inner)));
}

function normPositionOf(
  stream: readonly ResidualStep[],
  links: ReadonlyMap<ResidualStep, Link | undefined>,
): "pre" | "post" {
  const positions = stream.slice(1).map((step) => links.get(step)!.normPosition);
  const odd = positions.findIndex((position) => position !== positions[0]);
  if (odd > 0) throw refuse.mixedNorms(describeNode(stream[odd + 1]!.sum), odd + 1);
  if (positions[0] === undefined) throw refuse.pattern(describeNode(stream[0]!.sum), kindsOf(stream), 0);
  return positions[0];
}

const kindsOf = (stream: readonly ResidualStep[]) =>
  stream.map((step) => (step.attended === undefined ? "feed-forward" : "attention"));

/** Sub-layers alternate, attention first; attention reaches all tokens both ways; feed-forward stays within a token. */
function checkPattern(index: GraphIndex, stream: readonly ResidualStep[]): void {
  for (const step of stream) {
    const tokens = tokensOf(index, step);
    if (step.attended !== undefined && step.attended !== tokens) {
      const past = step.attended > tokens && pastInput(index, step);
      if (past) throw refuse.past(describeNode(step.sum), step.attended, tokens, past);
      throw refuse.windowed(describeNode(step.sum), step.attended, tokens);
    }
    const mixing = step.attended === undefined && step.nodes.find((node) => mixesTokens(index, node, step));
    if (mixing) throw refuse.mixing(describeNode(mixing));
    const foreign = [...step.side].find((name) => index.isData(name) && isForeign(index, name));
    if (foreign) throw refuse.foreign(describeNode(step.sum), foreign);
  }
  const kinds = kindsOf(stream);
  const odd = kinds.findIndex((kind, k) => kind !== (k % 2 === 0 ? "attention" : "feed-forward"));
  if (odd >= 0 || kinds.length % 2 === 1)
    throw refuse.pattern(describeNode(stream[Math.max(odd, 0)]!.sum), kinds, odd < 0 ? kinds.length : odd);
}

/** Tokens of a step's stream, [batch, tokens, d]; for rows [batch · tokens, d] what its attention says. */
function tokensOf(index: GraphIndex, step: ResidualStep): number {
  const shape = index.shape(step.output);
  return shape.length === 3 ? shape[1]! : (step.attended ?? shape[0]!);
}

/** An input that is joined to what the attention computes, [.., tokens, d]: keys or values of earlier tokens. */
const pastInput = (index: GraphIndex, step: ResidualStep) =>
  index.graph.inputs.find((name) => index.shape(name).length >= 3 && step.side.has(name));

/** Operators that carry information from one token to another without attention. */
const MIXERS = /^(Conv|ConvTranspose|DFT|CumSum|LSTM|GRU|RNN|AveragePool|MaxPool)$/;

function mixesTokens(index: GraphIndex, node: Node, step: ResidualStep): boolean {
  if (MIXERS.test(node.op)) return true;
  if (!isWeightedProduct(index, node)) return false;
  const [x, y] = node.inputs as [string, string];
  if (!index.isData(x) || node.op === "Einsum") return !index.isData(x) && index.isData(y);
  // Rows of the product must be tokens.
  const rows = index.shape(x).slice(0, -1);
  const tokens = index.shape(step.output).slice(0, -1);
  return rows.reduce((a, b) => a * b, 1) !== tokens.reduce((a, b) => a * b, 1);
}

/** Whether a side input of a branch is a stream of its own (an encoder's result), and not a mask or a position. */
function isForeign(index: GraphIndex, name: string): boolean {
  const node = index.producer(name);
  return node !== undefined && isWeightedProduct(index, node);
}

function checkLayout(index: GraphIndex, stream: readonly ResidualStep[]): void {
  const shape = index.shape(stream[0]!.source);
  const batches = new Set(index.graph.inputs.map((name) => index.shape(name)[0]));
  const batch = batches.size === 1 ? [...batches][0] : undefined;
  const attended = stream.find((step) => step.attended !== undefined)?.attended;
  const timeFirst = attended !== shape[1] && attended === shape[0];
  if (shape.length !== 3 || timeFirst || (batch !== undefined && shape[0] !== batch))
    throw refuse.layout(describeNode(stream[0]!.sum), shape);
}

/** Frozen tensors read on the way from one state to the next, in order. */
function weightsBetween(index: GraphIndex, from: string, to: string): readonly string[] {
  const found = new Set<string>();
  for (const node of pathNodes(index, from, to) ?? []) {
    const constants = node.inputs.filter((name) => name !== "" && !index.isData(name));
    for (const name of ancestors(index, constants, () => false)) {
      const tensor = index.graph.initializers.get(name);
      if (tensor && tensor.dtype !== "int64" && tensor.dtype !== "bool" && elementCount(tensor.shape) > 1)
        found.add(name);
    }
  }
  return [...found];
}
