import { GraftError } from "../base/index.ts";
import type { Dim, Graph, Shape } from "../graph/index.ts";

/** Sizes to bind the open dimensions of a model's inputs to. */
export interface InputSizes {
  /** Examples. */
  readonly batch: number;
  /** Tokens of a text or series; needed when an input leaves it open. */
  readonly sequence?: number;
  /** Pixels; needed when an image input leaves them open. `channels` defaults to 3. */
  readonly image?: { readonly height: number; readonly width: number; readonly channels?: number };
}

type Role = "batch" | "sequence" | "channels" | "height" | "width" | "features";

/** What the dimensions of an input mean, by their number. */
const ROLES: Readonly<Record<number, readonly Role[]>> = {
  0: [],
  1: ["batch"],
  2: ["batch", "sequence"],
  3: ["batch", "sequence", "features"],
  4: ["batch", "channels", "height", "width"],
};

/**
 * Concrete shapes of a model's inputs: 4-dimensional ones are images [batch, channels, height, width], others
 * [batch], [batch, sequence] or [batch, sequence, features]. Fixed dimensions stay as the file has them.
 * @returns shape by input name, as `trace` takes it
 * @throws GraftError INPUT_SHAPE if an input cannot be bound, or if the file fixes a size to another number
 */
export function bindShapes(graph: Graph, sizes: InputSizes): Record<string, readonly number[]> {
  return Object.fromEntries(graph.inputs.map((name) => [name, bindShape(name, graph.types.get(name)?.shape, sizes)]));
}

function bindShape(name: string, declared: Shape | undefined, sizes: InputSizes): readonly number[] {
  const roles = declared && ROLES[declared.length];
  if (!declared || !roles)
    throw inputShape(
      name,
      declared ? `it has ${declared.length} dimensions, ${showShape(declared)}` : "the file does not say its shape",
      "graft feeds images [batch, channels, height, width] and texts [batch, sequence]: export with such inputs",
    );
  const wanted: Partial<Record<Role, number | undefined>> = {
    batch: sizes.batch,
    sequence: sizes.sequence,
    channels: sizes.image?.channels ?? 3,
    height: sizes.image?.height,
    width: sizes.image?.width,
  };
  return declared.map((dim, axis) => bindDim(name, declared, dim, axis, roles[axis]!, wanted[roles[axis]!]));
}

function bindDim(name: string, shape: Shape, dim: Dim, axis: number, role: Role, wanted: number | undefined): number {
  if (typeof dim !== "number") {
    if (wanted !== undefined) return wanted;
    const remedy =
      role === "features" ? "Export the model with this size fixed" : `Say how much it is (\`${optionOf(role)}\`)`;
    throw inputShape(name, `dimension ${axis} of ${showShape(shape)}, its ${role}, is open`, remedy);
  }
  if (wanted === undefined || wanted === dim || role === "channels") return dim;
  throw inputShape(
    name,
    `the file fixes its ${role} to ${dim} (dimension ${axis} of ${showShape(shape)}), asked for is ${wanted}`,
    role === "batch"
      ? "Export the model with a dynamic batch, or work at the batch size it has"
      : `Use ${dim}, or export the model with this dimension dynamic`,
  );
}

const optionOf = (role: Role) => (role === "sequence" || role === "batch" ? role : "image");

const showShape = (shape: Shape) => `[${shape.map((dim) => dim ?? "?").join(", ")}]`;

function inputShape(name: string, place: string, remedy: string): GraftError {
  return new GraftError("INPUT_SHAPE", { thing: `input "${name}"`, place, remedy });
}
