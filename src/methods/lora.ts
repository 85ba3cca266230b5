import type { Backbone } from "../backbone/index.ts";
import { GraftError, nameSeed, random } from "../base/index.ts";
import { asFloat32, type Builder, type Tensor, tensorOf, type Value } from "../graph/index.ts";
import { insertBeside, matrixOf, mergeSites, onAllColumns } from "./beside.ts";
import { frozenTensor } from "./frozen-tensors.ts";
import { type LoraMethod, methodSchemas } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";
import { findSites, type Site } from "./sites.ts";

/** Added to a column's sum of squares, so that a column of zeros has a direction and a gradient. */
const NORM_EPSILON = 1e-12;

const nameOf = ({ name }: Site, part: "down" | "up" | "magnitude") => `lora.${name}.${part}`;

/**
 * LoRA (Hu et al. 2021): y = x·W + (alpha / rank) · x·A·B, with A (`down`) [in, rank] normal, of standard deviation 1/√in, and B
 * (`up`) [rank, out] 0 at the start. DoRA (Liu et al. 2024): y = x·V · m/‖V‖, V = W + (alpha / rank) · A·B and ‖V‖ the lengths
 * of its columns; m is trained as a factor of ‖W‖ (`magnitude`, 1 at the start), so that the start changes no bit.
 * Beside a quantised matrix LoRA works as well, but cannot be merged; DoRA needs one in floating point.
 */
export const loraMethod: MethodKind<LoraMethod> = {
  check(backbone, { targets, dora }) {
    for (const site of findSites(backbone, targets)) if (dora) refuseQuantized(backbone, site);
  },
  parameters(backbone, method) {
    const { targets, rank, dora } = methodSchemas.lora.parse(method);
    return findSites(backbone, targets).flatMap((site) => [
      { name: nameOf(site, "down"), shape: [site.products[0]!.inSize, rank], decay: true },
      { name: nameOf(site, "up"), shape: [rank, site.size], decay: true },
      ...(dora ? [{ name: nameOf(site, "magnitude"), shape: [site.size], decay: false }] : []),
    ]);
  },
  start(backbone, method, seed) {
    const { targets, rank, dora } = methodSchemas.lora.parse(method);
    const tensors = new Map<string, Tensor>();
    for (const site of findSites(backbone, targets)) {
      const { inSize } = site.products[0]!;
      const draw = random(seed, nameSeed(site.name));
      const down = Float32Array.from({ length: inSize * rank }, () => draw.normal() / Math.sqrt(inSize));
      tensors.set(nameOf(site, "down"), tensorOf("float32", [inSize, rank], down));
      tensors.set(nameOf(site, "up"), tensorOf("float32", [rank, site.size], new Float32Array(rank * site.size)));
      if (dora)
        tensors.set(nameOf(site, "magnitude"), tensorOf("float32", [site.size], new Float32Array(site.size).fill(1)));
    }
    return tensors;
  },
  insert(g, graph, backbone, method, tensors) {
    const { targets, rank, alpha, dora } = methodSchemas.lora.parse(method);
    const scale = g.scalar(alpha / rank);
    return insertBeside(g, graph, findSites(backbone, targets), ({ site, product, x, y }) => {
      const [down, up] = [tensors.get(nameOf(site, "down"))!, tensors.get(nameOf(site, "up"))!];
      const low = g.mul(g.matmul(x, down), scale); // [.., rank]
      const add = (sum: Value, matrix: Value) => g.add(sum, g.matmul(low, onAllColumns(g, matrix, site)));
      if (!dora) return add(y, up);
      const direction = g.mul(g.matmul(down, up), scale); // [in, size]
      const length = lengthening(g, matrixOf(g, site), direction, tensors.get(nameOf(site, "magnitude"))!);
      const plain = product.bias === undefined ? y : g.sub(y, g.value(product.bias));
      const more = onAllColumns(g, g.sub(length, g.scalar(1)), site);
      return add(g.add(y, g.mul(plain, more)), g.mul(up, length));
    });
  },
  merge(graph, backbone, method, tensors) {
    const { targets, rank, alpha, dora } = methodSchemas.lora.parse(method);
    return mergeSites(graph, findSites(backbone, targets), (site, columns) => {
      const part = (name: "down" | "up" | "magnitude") => asFloat32(tensors.get(nameOf(site, name))!);
      const moved = plusProduct(columns, part("down"), part("up"), rank, alpha / rank);
      if (!dora) return Float32Array.from(moved);
      const [before, after] = [lengths(columns, site.size), lengths(moved, site.size)];
      const magnitude = part("magnitude");
      return Float32Array.from(moved, (x, k) => {
        const column = k % site.size;
        return (x * magnitude[column]! * before[column]!) / after[column]!;
      });
    });
  },
  describe(method) {
    const { targets, rank, alpha, dora } = methodSchemas.lora.parse(method);
    return `${dora ? "DoRA" : "LoRA"} of rank ${rank} (alpha ${alpha}) on ${targets.join(", ")}`;
  },
};

/** By how much each column of V grows: magnitude · ‖W‖ / ‖V‖, V = W + direction; 1 to the bit while direction is 0. */
function lengthening(g: Builder, frozen: Value, direction: Value, magnitude: Value): Value {
  const length = (x: Value) => g.sqrt(g.add(g.reduceSumSquare(x, [0], false), g.scalar(NORM_EPSILON)));
  return g.mul(magnitude, g.div(length(frozen), length(g.add(frozen, direction))));
}

/** W + scale · A·B in double precision. */
function plusProduct(frozen: Float32Array, down: Float32Array, up: Float32Array, rank: number, scale: number) {
  const size = up.length / rank;
  const sum = Float64Array.from(frozen);
  for (let row = 0; row < down.length / rank; row++)
    for (let k = 0; k < rank; k++) {
      const factor = scale * down[row * rank + k]!;
      for (let column = 0; column < size; column++) sum[row * size + column]! += factor * up[k * size + column]!;
    }
  return sum;
}

function lengths(matrix: ArrayLike<number>, size: number): Float64Array {
  const squares = new Float64Array(size).fill(NORM_EPSILON);
  for (let k = 0; k < matrix.length; k++) squares[k % size]! += matrix[k]! ** 2;
  return squares.map(Math.sqrt);
}

function refuseQuantized({ graph, name }: Backbone, { name: site, products: [product] }: Site): void {
  const { weight, node } = product!;
  if (frozenTensor(graph, weight) !== undefined) return;
  throw new GraftError("METHOD_QUANTIZED", {
    thing: `DoRA on ${site} (node "${node}")`,
    place: `"${name}" does not keep its matrix "${weight}" in floating point, and DoRA needs the lengths of its columns`,
    remedy:
      "Use LoRA (lora:…), which adds its product beside a quantised one, or the model's float file (--dtype fp32)",
  });
}
