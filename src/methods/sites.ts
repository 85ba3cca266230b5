import type { Backbone, FrozenProduct } from "../backbone/index.ts";
import { didYouMean, GraftError } from "../base/index.ts";

/** Columns of a frozen matrix, in all products that read it. */
export interface Site {
  /** Block and role of the first product, e.g. `0.q`: the name of what is trained there. */
  readonly name: string;
  /** More than one where blocks share their weights. */
  readonly products: readonly FrozenProduct[];
  /** Of the result's columns: all, or where one matrix makes q, k and v, those of one of them. */
  readonly start: number;
  readonly size: number;
}

interface Candidate extends Site {
  readonly names: readonly string[];
}

/**
 * The products that targets name.
 * @param targets  roles (`q`), roles of a block (`11.q`), names of weights or nodes with `*` for any letters, or `all`
 * @throws GraftError TARGET_UNKNOWN for one that names none, with those there are
 */
export function findSites(backbone: Pick<Backbone, "products" | "name">, targets: readonly string[]): readonly Site[] {
  const all = candidatesOf(backbone.products);
  const chosen = new Set<Candidate>();
  for (const target of targets) {
    const found = all.filter((candidate) => matches(candidate, target));
    if (found.length === 0) throw unknownTarget(backbone, target, all);
    for (const candidate of found) chosen.add(candidate);
  }
  // What a chosen matrix covers as a whole needs no part of its own.
  const whole = new Set([...chosen].filter(isWhole).map(({ products }) => products));
  return all.filter((candidate) => chosen.has(candidate) && (isWhole(candidate) || !whole.has(candidate.products)));
}

const isWhole = ({ size, products }: Site) => size === products[0]!.outSize;

function candidatesOf(products: readonly FrozenProduct[]): readonly Candidate[] {
  const byWeight = new Map<string, FrozenProduct[]>();
  for (const product of products) {
    const shared = byWeight.get(product.weight);
    if (shared) shared.push(product);
    else byWeight.set(product.weight, [product]);
  }
  return [...byWeight.values()].flatMap((shared) => {
    const [{ block, role, parts = {}, weight, outSize }] = shared as [FrozenProduct];
    const named = (part: string) => [part, ...shared.map((product) => `${product.block}.${part}`)];
    const files = [weight, ...shared.map(({ node }) => node)].filter((name) => name !== "");
    const size = outSize / Object.keys(parts).length;
    return [
      { name: `${block}.${role}`, names: [...named(role), ...files], products: shared, start: 0, size: outSize },
      ...Object.entries(parts).map(([part, start]) => ({
        name: `${block}.${part}`,
        names: named(part),
        products: shared,
        start,
        size,
      })),
    ];
  });
}

function matches(candidate: Candidate, target: string): boolean {
  if (target === "all") return isWhole(candidate);
  const pattern = new RegExp(`^${target.split("*").map(escaped).join(".*")}$`);
  return candidate.names.some((name) => pattern.test(name));
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

function unknownTarget({ name }: Pick<Backbone, "name">, target: string, all: readonly Candidate[]): GraftError {
  const roles = [...new Set(all.map(({ names }) => names[0]!))];
  const fused = all.find(({ products: [product] }) => product!.role.length > 1 && product!.role.includes(target));
  const names = all.flatMap((candidate) => candidate.names);
  const files = [...new Set(all.map(({ products }) => products[0]!.weight))];
  return new GraftError("TARGET_UNKNOWN", {
    thing: `target "${target}"`,
    place: fused
      ? `one matrix of "${name}" makes ${fused.products[0]!.role} at once, and not one after another, so that they cannot be told apart`
      : roles.length === 0
        ? `no product with a frozen matrix was found in the sub-layers of "${name}"`
        : `no product with a frozen matrix of "${name}" has that name`,
    remedy:
      roles.length === 0
        ? "Use adapters, such as gga:3, or all weights (full): they need no such product"
        : `${didYouMean(target, names)}There are ${[...roles, "all"].join(", ")}, of one block as 0.${roles[0]}, and weights ${files.slice(0, 3).join(", ")}${files.length > 3 ? ", …" : ""} (* for any letters)`,
  });
}
