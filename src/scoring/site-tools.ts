import { createBuilder, type Graph } from "../graph/index.ts";
import type { Runtime, Session } from "../runtime/index.ts";
import { openEigenPool } from "./eigen-pool.ts";
import { roots } from "./singular-values.ts";
import { whitenerOf } from "./whitening.ts";

/** What scores of rectangular gradients are made of. */
export interface SiteTools {
  /** @param gradient [rows, columns] → its min(rows, columns) singular values, descending */
  singularValues(gradient: Float32Array, rows: number, columns: number): Promise<Float64Array>;
  /** L⁻¹ · gradient, [rows, columns], L·Lᵀ the moment [rows, rows] with its ridge. */
  whiten(gradient: Float32Array, moment: Float64Array, rows: number, columns: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens sessions when they are first needed. */
export async function openSiteTools(
  runtime: Runtime,
  { threads, operations }: { readonly threads?: number | undefined; readonly operations: number },
): Promise<SiteTools> {
  const pool = await openEigenPool(runtime, { threads, operations });
  const sessions = new Map<string, Session>();
  const session = async (name: string, graph: () => Graph) => {
    const known = sessions.get(name) ?? (await runtime.open(graph(), { threads }));
    sessions.set(name, known);
    return known;
  };
  const tensor = (data: Float32Array, rows: number, columns: number) =>
    ({ dtype: "float32", shape: [rows, columns], data }) as const;
  return {
    async singularValues(gradient, rows, columns) {
      const isTall = rows >= columns;
      const made = await session(isTall ? "tall" : "wide", () => gramGraph(isTall));
      const { gram } = await made.run({ gradient: tensor(gradient, rows, columns) });
      const { values } = await pool.eigenvalues(gram!.data as Float64Array, Math.min(rows, columns));
      return roots(values[0]!);
    },
    async whiten(gradient, moment, rows, columns) {
      const made = await session("whiten", whitenGraph);
      const whitener = Float32Array.from(whitenerOf(moment, rows));
      const feeds = { whitener: tensor(whitener, rows, rows), gradient: tensor(gradient, rows, columns) };
      return (await made.run(feeds)).whitened!.data as Float32Array;
    },
    async close() {
      await pool.close();
      for (const one of sessions.values()) await one.release();
    },
  };
}

/** gradient [rows, columns] → the smaller of its Gram matrices in float64. */
function gramGraph(isTall: boolean): Graph {
  const g = createBuilder();
  const gradient = g.cast(g.input("gradient", "float32", ["rows", "columns"]), "float64");
  const turned = g.transpose(gradient, [1, 0]);
  g.rename(isTall ? g.matmul(turned, gradient) : g.matmul(gradient, turned), "gram");
  return g.toGraph(["gram"]);
}

function whitenGraph(): Graph {
  const g = createBuilder();
  const gradient = g.input("gradient", "float32", ["rows", "columns"]);
  g.rename(g.matmul(g.input("whitener", "float32", ["rows", "rows"]), gradient), "whitened");
  return g.toGraph(["whitened"]);
}
