import { GraftError, nameSeed, random } from "../base/index.ts";
import { asFloat32, tensorOf } from "../graph/index.ts";
import { insertBeside, mergeSites, onAllColumns } from "./beside.ts";
import { type ColumnsMethod, methodSchemas } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";
import { findSites, type Site } from "./sites.ts";

const nameOf = ({ name }: Site) => `columns.${name}`;

/**
 * APLA (Sorkhei et al. 2025): of the output projections of attention, [in, out], some columns drawn at random are trained, the rest
 * stays. What is trained is their difference from the frozen ones, 0 at the start: y = x·W + (x·δ)·E, E the drawn columns' places.
 */
export const columnsMethod: MethodKind<ColumnsMethod> = {
  check(backbone, method) {
    const { targets, columns = 1 } = methodSchemas.columns.parse(method);
    for (const { name, size } of findSites(backbone, targets))
      if (columns > size)
        throw new GraftError("COLUMNS_OUT_OF_RANGE", {
          thing: `${columns} columns of ${name}`,
          place: `its matrix in "${backbone.name}" has ${size}`,
          remedy: `Ask for 1 to ${size}, or leave the number out for a quarter of them`,
        });
  },
  parameters(backbone, method) {
    const { targets, columns } = methodSchemas.columns.parse(method);
    return findSites(backbone, targets).map((site) => ({
      name: nameOf(site),
      shape: [site.products[0]!.inSize, countOf(site, columns)],
      decay: false, // it would pull towards the frozen weights, not towards 0
    }));
  },
  start(backbone, method) {
    const parameters = columnsMethod.parameters(backbone, method);
    return new Map(
      parameters.map(({ name, shape }) => [name, tensorOf("float32", shape, new Float32Array(shape[0]! * shape[1]!))]),
    );
  },
  insert(g, graph, backbone, method, tensors) {
    const { targets, columns, draw } = methodSchemas.columns.parse(method);
    return insertBeside(g, graph, findSites(backbone, targets), ({ site, x, y }) => {
      const drawn = drawnColumns(site, columns, draw);
      const places = new Float32Array(drawn.length * site.size);
      drawn.forEach((column, k) => {
        places[k * site.size + column] = 1;
      });
      const spread = g.constant(tensorOf("float32", [drawn.length, site.size], places));
      return g.add(y, g.matmul(g.matmul(x, tensors.get(nameOf(site))!), onAllColumns(g, spread, site)));
    });
  },
  merge(graph, backbone, method, tensors) {
    const { targets, columns, draw } = methodSchemas.columns.parse(method);
    return mergeSites(graph, findSites(backbone, targets), (site, frozen) => {
      const drawn = drawnColumns(site, columns, draw);
      const moved = frozen.slice();
      asFloat32(tensors.get(nameOf(site))!).forEach((difference, k) => {
        moved[Math.floor(k / drawn.length) * site.size + drawn[k % drawn.length]!]! += difference;
      });
      return moved;
    });
  },
  describe(method) {
    const { targets, columns } = methodSchemas.columns.parse(method);
    return `${columns ?? "a quarter of the"} columns of ${targets.join(", ")}, drawn at random`;
  },
};

const countOf = ({ size }: Site, columns: number | undefined) => columns ?? Math.ceil(size / 4);

function drawnColumns(site: Site, columns: number | undefined, draw: number): Uint32Array {
  const order = random(draw, nameSeed(site.name)).permutation(site.size);
  return Uint32Array.from(order.slice(0, countOf(site, columns))).sort();
}
