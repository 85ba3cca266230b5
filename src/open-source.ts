import { type Backbone, type BackboneOptions, openGraph } from "./backbone/index.ts";
import { didYouMean, GraftError } from "./base/index.ts";
import { embeddedModels } from "./embedded.ts";
import { decodeModel } from "./graph/index.ts";
import type { Runtime } from "./runtime/index.ts";

const BUILTIN = "builtin:";

/** The name behind `builtin:`, or undefined for another source. */
export const builtinName = (source: string): string | undefined =>
  source.startsWith(BUILTIN) ? source.slice(BUILTIN.length) : undefined;

/** Where an embedded model lies. Throws UNKNOWN_MODEL. */
export function embeddedUrl(name: string): URL {
  const url = Object.hasOwn(embeddedModels, name) ? embeddedModels[name] : undefined;
  if (url) return url;
  const names = Object.keys(embeddedModels);
  throw new GraftError("UNKNOWN_MODEL", {
    thing: `model "${BUILTIN}${name}"`,
    place: "graft has none of that name built in",
    remedy: `${didYouMean(name, names)}Built in: ${names.map((known) => BUILTIN + known).join(", ")}`,
  });
}

/** Open a model from its bytes; external data is looked up in `options.externalData` by location. */
export function openBytes(bytes: Uint8Array, runtime: Runtime, options: OpenBytesOptions = {}): Promise<Backbone> {
  const { externalData, ...rest } = options;
  const name = options.name ?? "model";
  const graph = decodeModel(bytes, { name, ...(externalData && { externalData: (at: string) => externalData[at] }) });
  return openGraph(graph, runtime, { name, ...rest });
}

export interface OpenBytesOptions extends BackboneOptions {
  /** Files of external data by the location the model names. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
}
