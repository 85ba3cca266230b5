import * as z from "zod";

/** How an argument looks on the command line, read off its zod type. */
export interface Flag {
  /** camelCase, as in a config file. */
  readonly key: string;
  /** As typed and as errors name it: `--learning-rate`, or of a positional argument what stands for it in the help. */
  readonly name: string;
  readonly positional: boolean;
  /** There is no default, and no command without it. */
  readonly required: boolean;
  readonly description: string;
  /** What one value is: text is turned into a number where the type has one. */
  readonly kind: "boolean" | "number" | "text" | "number or text";
  /** Several values, `--rank 4,8` or `--rank 4 --rank 8`. */
  readonly list: boolean;
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly default: unknown;
  /** Heading it stands under in the help; default `Options`. */
  readonly group: string;
}

type Schema = z.core.$ZodType;
type Kind = Flag["kind"];

/**
 * Describe one argument. Descriptions come from `.describe()` or `.meta({ description, value })`, at any wrapper.
 * @throws Error if the type has no form on a command line (an object, a function): a mistake in the program
 */
export function flagOf(key: string, schema: Schema, positional = false): Flag {
  const layers = unwrap(schema);
  const core = layers.at(-1)!;
  const list = core instanceof z.ZodArray;
  const kind = kindOf(list ? unwrap(core.def.element).at(-1)! : core);
  if (kind === undefined) throw new Error(`argument "${key}" has a type that no flag can carry`);
  const meta = Object.assign({}, ...layers.toReversed().map((layer) => z.globalRegistry.get(layer) ?? {}));
  const value = typeof meta.value === "string" ? meta.value : undefined;
  const layerWithDefault = layers.find((layer) => layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault);
  return {
    key,
    name: positional ? (value ?? kebab(key).toUpperCase()) : `--${kebab(key)}`,
    positional,
    required: !z.safeParse(schema, undefined).success,
    description: typeof meta.description === "string" ? meta.description : "",
    kind,
    list,
    placeholder: value ?? placeholderOf(core, kind, list),
    default: layerWithDefault?.def.defaultValue,
    group: typeof meta.group === "string" ? meta.group : "Options",
  };
}

/** Arguments that stand under one heading in the help; those that have another already keep it. */
export function inGroup<Shape extends z.ZodRawShape>(group: string, shape: Shape): Shape {
  const grouped = Object.entries(shape).map(([key, schema]) => {
    const type = schema as z.ZodType;
    return [key, type.meta({ group, ...type.meta() })];
  });
  return Object.fromEntries(grouped) as Shape;
}

/** The value a flag's text stands for. Text that is no number is left for the schema to refuse. */
export function parseValue(flag: Flag, text: string): string | number {
  if (flag.kind !== "number" && flag.kind !== "number or text") return text;
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}

/** learningRate → learning-rate */
export function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The type and everything it wraps, outermost first. */
function unwrap(schema: Schema): Schema[] {
  const wraps =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly;
  if (wraps) return [schema, ...unwrap(schema.def.innerType)];
  if (schema instanceof z.ZodPipe) return [schema, ...unwrap(schema.def.in)];
  return [schema];
}

function kindOf(core: Schema): Kind | undefined {
  if (core instanceof z.ZodBoolean) return "boolean";
  if (core instanceof z.ZodNumber) return "number";
  if (core instanceof z.ZodString || core instanceof z.ZodEnum) return "text";
  if (core instanceof z.ZodLiteral) return core.def.values.every((v) => typeof v === "number") ? "number" : "text";
  if (core instanceof z.ZodUnion) {
    const kinds = new Set(core.def.options.map((option) => kindOf(unwrap(option).at(-1)!)));
    if (kinds.has(undefined) || kinds.has("boolean")) return undefined;
    return kinds.size === 1 ? [...kinds][0] : "number or text";
  }
  return undefined;
}

function placeholderOf(core: Schema, kind: Kind, list: boolean): string {
  if (core instanceof z.ZodEnum) return Object.values(core.def.entries).join("|");
  const one = kind === "number" ? "n" : "text";
  return list ? `${one},…` : one;
}
