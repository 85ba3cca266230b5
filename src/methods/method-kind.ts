import type { Backbone } from "../backbone/index.ts";
import type { Builder, Graph, Tensor, Value } from "../graph/index.ts";
import type { Parameter } from "../parameters/index.ts";

/**
 * What a kind of method has to say. Adding one: its data in `method.ts`, a file with this shape, a line in
 * `method-kinds.ts`, its names in `named-methods.ts`; the contract suite runs it.
 */
export interface MethodKind<M> {
  /** Refuse data that do not fit the backbone, with a GraftError; the others need not check again. */
  check(backbone: Backbone, method: M): void;
  /** The trainable tensors, in the order they are laid out. */
  parameters(backbone: Backbone, method: M): readonly Parameter[];
  /** Where training starts: the model then answers as the plain backbone does, bit for bit. */
  start(backbone: Backbone, method: M, seed: number): ReadonlyMap<string, Tensor>;
  /**
   * Replay `graph` with the method in it. The builder holds `graph` already, so that all that nothing trainable reaches
   * keeps its plain names.
   * @param tensors  the parameters by name
   * @returns        for every value name of `graph`, what stands for it
   */
  insert(
    g: Builder,
    graph: Graph,
    backbone: Backbone,
    method: M,
    tensors: ReadonlyMap<string, Value>,
  ): ReadonlyMap<string, Value>;
  /** What was trained written into the graph's own weights; undefined where there is no exact form of that kind. */
  merge?(graph: Graph, backbone: Backbone, method: M, tensors: ReadonlyMap<string, Tensor>): Graph | undefined;
  /** The same method with fewer operations, where its tensors are constants: equal but for rounding. Without it: as it is. */
  fold?(method: M, tensors: ReadonlyMap<string, Tensor>): { method: M; tensors: ReadonlyMap<string, Tensor> };
  /** In a few words for people, e.g. of adapters their placement. */
  describe(method: M): string;
}
