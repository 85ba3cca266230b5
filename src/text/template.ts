import type { Part } from "./part.ts";

/** One place of a template: the tokens of a text, or special tokens. */
export type Slot =
  | { readonly text: "A" | "B"; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly typeId: number };

/** Where special tokens stand around one text and around two. */
export interface Template {
  readonly single: readonly Slot[];
  readonly pair: readonly Slot[];
}

const plain: Template = {
  single: [{ text: "A", typeId: 0 }],
  pair: [
    { text: "A", typeId: 0 },
    { text: "B", typeId: 1 },
  ],
};

/** One maker for each `type` of post-processor in tokenizer.json. */
const makers: Readonly<Record<string, (part: Part) => Template>> = {
  BertProcessing(part) {
    const [cls, sep] = [special(part, "cls"), special(part, "sep")];
    const single: Slot[] = [{ ids: [cls], typeId: 0 }, ...plain.single, { ids: [sep], typeId: 0 }];
    return { single, pair: [...single, { text: "B", typeId: 1 }, { ids: [sep], typeId: 1 }] };
  },
  // It changes offsets alone.
  ByteLevel: () => plain,
  RobertaProcessing(part) {
    const [cls, sep] = [special(part, "cls"), special(part, "sep")];
    const end: Slot = { ids: [sep], typeId: 0 };
    const single: Slot[] = [{ ids: [cls], typeId: 0 }, ...plain.single, end];
    return { single, pair: [...single, end, { text: "B", typeId: 0 }, end] };
  },
  Sequence(part) {
    const adding = part
      .parts("processors")
      .map(template)
      .filter((step) => step !== plain);
    if (adding.length > 1) throw part.refuse("more than one of its processors adds special tokens");
    return adding[0] ?? plain;
  },
  TemplateProcessing(part) {
    const slots = (key: "single" | "pair") => part.parts(key).map((slot) => templateSlot(slot, part));
    return { single: slots("single"), pair: slots("pair") };
  },
};

/** @throws GraftError TOKENIZER */
export function template(part: Part | undefined): Template {
  if (part === undefined) return plain;
  const make = Object.hasOwn(makers, part.type) ? makers[part.type] : undefined;
  if (make === undefined) throw part.unknownType(Object.keys(makers));
  return make(part);
}

/** How many special tokens the slots add. */
export function specialCount(slots: readonly Slot[]): number {
  return slots.reduce((count, slot) => count + ("ids" in slot ? slot.ids.length : 0), 0);
}

/** `["[SEP]", 102]` */
function special(part: Part, key: "cls" | "sep"): number {
  const value = part.raw[key];
  const id: unknown = Array.isArray(value) ? value[1] : undefined;
  if (typeof id !== "number") throw part.refuse(`its ${key} is no [token, id]`);
  return id;
}

function templateSlot(slot: Part, part: Part): Slot {
  const text = slot.maybe("Sequence");
  if (text !== undefined) return { text: text.choice("id", ["A", "B"]), typeId: text.integer("type_id", 0) };
  const token = slot.part("SpecialToken");
  const ids = part.part("special_tokens").part(token.text("id")).raw.ids;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "number"))
    throw part.refuse(`its special_tokens give no ids for "${token.text("id")}"`);
  return { ids, typeId: token.integer("type_id", 0) };
}
