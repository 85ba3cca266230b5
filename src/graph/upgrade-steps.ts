import { GraftError } from "../base/index.ts";
import { attribute, describeNode, int, string } from "./attributes.ts";
import type { Attribute, DataType, Node, Shape } from "./types.ts";

/** What a step may ask of the graph, and how it makes constants and names. */
export interface UpgradeContext {
  /** The element type of a value, if known. */
  dtype(name: string): DataType | undefined;
  /** The shape of a value, as far as known. */
  shape(name: string): Shape | undefined;
  /** The numbers of a constant. */
  numbers(name: string): readonly number[] | undefined;
  /** A new constant; returns its name. `wish` is made unique. */
  constant(
    wish: string,
    tensor: { dtype: "int64" | "float32"; shape: readonly number[]; values: readonly number[] },
  ): string;
  /** A new name for a value. */
  fresh(wish: string): string;
}

/** A change of an operator's definition: nodes of version `at` that do what `node` did in the version before. */
interface UpgradeStep {
  readonly at: number;
  readonly rewrite: (node: Node, context: UpgradeContext) => readonly Node[];
}

const without = (node: Node, ...names: string[]): Node => ({
  ...node,
  attributes: Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name))),
});

const having = (node: Node, attributes: Record<string, Attribute>): Node => ({
  ...node,
  attributes: { ...node.attributes, ...attributes },
});

const put = (node: Node, position: number, input: string): Node => {
  const inputs = Array.from({ length: Math.max(node.inputs.length, position + 1) }, (_, k) => node.inputs[k] ?? "");
  inputs[position] = input;
  return { ...node, inputs };
};

const firstOutput = (node: Node) => node.outputs.find((name) => name !== "") ?? node.name;

/** An attribute of whole numbers becomes the int64 operand at `position`; left out where it was not given. */
function toOperand(node: Node, name: string, position: number, context: UpgradeContext): Node {
  const found = node.attributes[name];
  if (found === undefined) return node;
  const scalar = found.type === "int";
  const values = scalar ? [attribute(node, name, "int")] : attribute(node, name, "ints");
  const constant = context.constant(`${firstOutput(node)}/${name}`, {
    dtype: "int64",
    shape: scalar ? [] : [values.length],
    values,
  });
  return put(without(node, name), position, constant);
}

/** A number becomes a scalar operand of the type that the first operand has. */
function scalarOperand(node: Node, name: string, value: number, position: number, context: UpgradeContext): Node[] {
  const constant = context.constant(`${firstOutput(node)}/${name}`, { dtype: "float32", shape: [], values: [value] });
  if (context.dtype(node.inputs[0]!) === "float32") return [put(node, position, constant)];
  const cast = context.fresh(`${firstOutput(node)}/${name}/cast`);
  return [
    { ...made(node, "CastLike", name), inputs: [constant, node.inputs[0]!], outputs: [cast] },
    put(node, position, cast),
  ];
}

/** A helper node beside `node`. */
function made(node: Node, op: string, suffix: string): Node {
  return {
    op,
    domain: "",
    name: `${node.name || firstOutput(node)}/${suffix}`,
    inputs: [],
    outputs: [],
    attributes: {},
  };
}

const simple = (at: number, rewrite: (node: Node, context: UpgradeContext) => Node): readonly UpgradeStep[] => [
  { at, rewrite: (node, context) => [rewrite(node, context)] },
];

const axesToOperand = (at: number) => simple(at, (node, context) => toOperand(node, "axes", 1, context));

/**
 * Until 12, these operators saw a matrix: the axes before `axis` made its rows, all others its columns. From 13 on
 * they work along one axis. Both agree on the last axis; otherwise the matrix is made, and undone, explicitly.
 */
const flattening: readonly UpgradeStep[] = [
  {
    at: 13,
    rewrite(node, context) {
      const axis = attribute(node, "axis", "int", 1);
      const rank = context.shape(node.inputs[0]!)?.length;
      if (axis === -1 || (rank !== undefined && axis === rank - 1)) return [having(node, { axis: int(-1) })];
      const output = firstOutput(node);
      const [shape, matrix, result] = ["shape", "matrix", "result"].map((part) => context.fresh(`${output}/${part}`));
      const flatten = { axis: int(axis) };
      return [
        { ...made(node, "Shape", "shape"), inputs: node.inputs, outputs: [shape!] },
        { ...made(node, "Flatten", "flatten"), inputs: node.inputs, outputs: [matrix!], attributes: flatten },
        { ...having(node, { axis: int(-1) }), inputs: [matrix!], outputs: [result!] },
        {
          ...made(node, "Reshape", "reshape"),
          inputs: [result!, shape!],
          outputs: node.outputs,
          attributes: { allowzero: int(1) }, // an empty axis stays empty
        },
      ];
    },
  },
];

/** Every operator of ONNX's own set whose definition changed between opsets 7 and 20 in more than its types. */
export const upgradeSteps = {
  BatchNormalization: [
    {
      at: 9,
      rewrite(node) {
        if (attribute(node, "spatial", "int", 1) !== 1) throw uncovered(node, 9, "spatial = 0 has no successor");
        return [without(node, "spatial")];
      },
    },
    {
      at: 14,
      rewrite(node) {
        // Training was asked for by naming the statistics as outputs.
        if (node.outputs.slice(1).some((name) => name !== ""))
          throw uncovered(node, 14, "it is in training mode, which is written another way");
        return [{ ...node, outputs: node.outputs.slice(0, 1) }];
      },
    },
  ],
  Clip: [
    {
      at: 11,
      rewrite(node, context) {
        const extra: Node[] = [];
        let clip = node;
        for (const [position, name] of [[1, "min"] as const, [2, "max"] as const]) {
          if (node.attributes[name] === undefined) continue;
          const nodes = scalarOperand(without(clip, name), name, attribute(node, name, "float"), position, context);
          clip = nodes.at(-1)!;
          extra.push(...nodes.slice(0, -1));
        }
        return [...extra, clip];
      },
    },
  ],
  DFT: simple(20, (node, context) =>
    toOperand(having(node, { axis: int(attribute(node, "axis", "int", 1)) }), "axis", 2, context),
  ),
  Dropout: [
    {
      at: 10,
      rewrite(node) {
        if (node.outputs[1]) throw uncovered(node, 10, "its mask was floating-point and became bool");
        return [node];
      },
    },
    {
      at: 12,
      // Nothing but its value in training depends on the ratio; 7 to 11 know no training.
      rewrite: (node) => [without(node, "ratio")],
    },
  ],
  GridSample: simple(20, (node) => {
    const mode = attribute(node, "mode", "string", "bilinear");
    return having(node, { mode: string({ bilinear: "linear", bicubic: "cubic" }[mode] ?? mode) });
  }),
  Hardmax: flattening,
  LogSoftmax: flattening,
  Pad: [
    {
      at: 11,
      rewrite(node, context) {
        const value = attribute(node, "value", "float", 0);
        const padded = toOperand(without(node, "value"), "pads", 1, context);
        return value === 0 ? [padded] : scalarOperand(padded, "value", value, 2, context);
      },
    },
  ],
  ReduceL1: axesToOperand(18),
  ReduceL2: axesToOperand(18),
  ReduceLogSum: axesToOperand(18),
  ReduceLogSumExp: axesToOperand(18),
  ReduceMax: axesToOperand(18),
  ReduceMean: axesToOperand(18),
  ReduceMin: axesToOperand(18),
  ReduceProd: axesToOperand(18),
  ReduceSum: axesToOperand(13),
  ReduceSumSquare: axesToOperand(18),
  Resize: [
    {
      at: 11,
      rewrite(node, context) {
        // Opset 10 measures from the corner; nearest rounds towards 0 when growing, up when shrinking.
        const scales = context.numbers(node.inputs[1]!);
        const nearest = attribute(node, "mode", "string", "nearest") === "nearest";
        const shrinks = scales?.some((scale) => scale < 1);
        if (nearest && (!scales || (shrinks && scales.some((scale) => scale > 1))))
          throw uncovered(node, 11, "how it rounds depends on scales that are computed, or both shrink and grow");
        return [
          {
            ...having(node, {
              coordinate_transformation_mode: string("asymmetric"),
              ...(nearest && { nearest_mode: string(shrinks ? "ceil" : "floor") }),
            }),
            inputs: [node.inputs[0]!, "", node.inputs[1]!],
          },
        ];
      },
    },
    {
      at: 13,
      rewrite(node) {
        if (node.attributes.coordinate_transformation_mode?.value === "tf_half_pixel_for_nn")
          throw uncovered(node, 13, 'its coordinate mode "tf_half_pixel_for_nn" was withdrawn');
        // With sizes given, the scales were an empty tensor; now they are left out.
        return [node.inputs[3] ? { ...node, inputs: node.inputs.map((name, k) => (k === 2 ? "" : name)) } : node];
      },
    },
  ],
  RoiAlign: simple(16, (node) => having(node, { coordinate_transformation_mode: string("output_half_pixel") })),
  Scan: [
    {
      at: 9,
      rewrite(node) {
        throw uncovered(node, 9, "its inputs are ordered another way");
      },
    },
  ],
  Scatter: simple(11, (node) => ({ ...node, op: "ScatterElements" })),
  Slice: simple(10, (node, context) =>
    [["starts", 1] as const, ["ends", 2] as const, ["axes", 3] as const].reduce(
      (slice, [name, position]) => toOperand(slice, name, position, context),
      node,
    ),
  ),
  Softmax: flattening,
  Split: [
    { at: 13, rewrite: (node, context) => [toOperand(node, "split", 1, context)] },
    {
      at: 18,
      rewrite: (node) => [node.inputs[1] ? node : having(node, { num_outputs: int(node.outputs.length) })],
    },
  ],
  Squeeze: axesToOperand(13),
  TopK: [
    {
      at: 10,
      rewrite(node, context) {
        const k = { dtype: "int64", shape: [1], values: [attribute(node, "k", "int")] } as const;
        return [put(without(node, "k"), 1, context.constant(`${firstOutput(node)}/k`, k))];
      },
    },
  ],
  Unsqueeze: axesToOperand(13),
  Upsample: [
    {
      at: 9,
      rewrite(node, context) {
        const values = attribute(node, "scales", "floats");
        const scales = { dtype: "float32", shape: [values.length], values } as const;
        return [put(without(node, "scales"), 1, context.constant(`${firstOutput(node)}/scales`, scales))];
      },
    },
    { at: 10, rewrite: (node) => [{ ...node, op: "Resize" }] },
  ],
} satisfies Readonly<Record<string, readonly UpgradeStep[]>>;

/** The steps of an operator, in order of versions; none if its definition never changed. */
export function stepsOf(op: string): readonly UpgradeStep[] {
  return Object.hasOwn(upgradeSteps, op) ? upgradeSteps[op as keyof typeof upgradeSteps] : [];
}

function uncovered(node: Node, version: number, reason: string): GraftError {
  return new GraftError("UPGRADE", {
    thing: describeNode(node),
    place: `it cannot be raised from opset ${version - 1} to ${version}: ${reason}`,
    remedy: `Export the model again with opset ${version} or newer`,
  });
}
