import { readdirSync, readFileSync } from "node:fs";
import { decodeModel, type Graph } from "../../src/graph/index.ts";
import type { Recorded } from "./fixtures.ts";

/** An encoder as people deploy it; the reference numbers are those of its float model (bench/peers/make-fixtures). */
export interface Deployed extends Recorded {
  readonly variant: "fused" | "float16" | "int8" | "qdq" | "4bit";
  /** The float model in test/fixtures/encoders it was made from; absent where the exporter wrote it as it is. */
  readonly base?: string;
}

const folder = new URL("../fixtures/encoders-fused/", import.meta.url);

export function deployedNames(): readonly string[] {
  const names = readdirSync(folder).filter((file) => file.endsWith(".onnx"));
  if (names.length === 0) throw new Error("no fixtures found");
  return names.map((file) => file.slice(0, -".onnx".length)).sort();
}

/** The file as read. */
export function deployedGraph(name: string): Graph {
  return decodeModel(readFileSync(new URL(`${name}.onnx`, folder)), { name });
}

export function deployedRecord(name: string): Deployed {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
}
