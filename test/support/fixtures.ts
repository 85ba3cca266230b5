import { readdirSync, readFileSync } from "node:fs";
import { type DataType, decodeModel, type Graph, tensorOf, tensorValues } from "../../src/graph/index.ts";
import type { HostTensor } from "../../src/runtime/index.ts";

/** Enough of a tensor to tell it from any other: `probe` is the sum of x[k] · sin(k + 1) over the flat index k. */
export interface Summary {
  readonly first: readonly number[];
  readonly norm: number;
  readonly probe: number;
}

interface Listed {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** What PyTorch recorded beside an encoder (bench/peers/make-fixtures). */
export interface Recorded {
  readonly architecture: string;
  readonly exporter: string;
  readonly opset: number;
  readonly dynamic: boolean;
  /** Of what wrote it: library → version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why the model is no encoder graft can take; absent for encoders. */
  readonly refused?: string;
  readonly normPosition: "pre" | "post";
  readonly inputs: Readonly<Record<string, Listed>>;
  readonly output: Listed & { readonly name: string };
  readonly states: readonly (Summary & { readonly shape: readonly number[] })[];
  /** Of the sum of w[k] · y[k]² over the first output's flat index k, w[k] = (k mod 5 + 1) / 5. */
  readonly gradients: readonly Summary[];
}

const folder = (refused: boolean) => new URL(`../fixtures/encoders/${refused ? "refused/" : ""}`, import.meta.url);

/** Names of the encoders other writers made, or of the models that are none. */
export function fixtureNames(refused = false): readonly string[] {
  const names = readdirSync(folder(refused)).filter((file) => file.endsWith(".onnx"));
  if (names.length === 0) throw new Error("no fixtures found");
  return names.map((file) => file.slice(0, -".onnx".length)).sort();
}

export function fixtureGraph(name: string, refused = false): Graph {
  return decodeModel(readFileSync(new URL(`${name}.onnx`, folder(refused))), { name });
}

export function fixtureRecord(name: string, refused = false): Recorded {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder(refused)), "utf8"));
}

/** The inputs PyTorch was run on. */
export function recordedFeeds({ inputs }: Recorded): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, data: tensorValues(tensorOf(dtype as "float32", shape, data)) },
    ]),
  );
}

/** @see Summary */
export function summaryOf(values: ArrayLike<number>): Summary {
  let [square, probe] = [0, 0];
  for (let k = 0; k < values.length; k++) {
    square += values[k]! ** 2;
    probe += values[k]! * Math.sin(k + 1);
  }
  return { first: Array.from(values).slice(0, 8), norm: Math.sqrt(square), probe };
}

/** Largest difference between two summaries, as a share of the recorded norm. */
export function summaryError(found: Summary, recorded: Summary): number {
  const differences = recorded.first.map((value, k) => value - (found.first[k] ?? Number.NaN));
  differences.push(found.norm - recorded.norm, found.probe - recorded.probe);
  return Math.max(...differences.map(Math.abs)) / recorded.norm;
}
