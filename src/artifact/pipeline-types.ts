import { outputLevel } from "../objective/index.ts";
import type { Goal } from "../tasks/index.ts";

/** What a class of Transformers.js is made for; `Model` stands for none: it returns what the graph returns. */
type Suffix = "ForSequenceClassification" | "ForTokenClassification" | "ForImageClassification" | "Model";

/** Encoders that Transformers.js 4.3 knows by `model_type`, and how their classes begin. */
const TEXT_CLASSES: Readonly<Record<string, string>> = {
  albert: "Albert",
  bert: "Bert",
  camembert: "Camembert",
  convbert: "ConvBert",
  deberta: "Deberta",
  "deberta-v2": "DebertaV2",
  distilbert: "DistilBert",
  electra: "Electra",
  esm: "Esm",
  eurobert: "EuroBert",
  mobilebert: "MobileBert",
  modernbert: "ModernBert",
  mpnet: "MPNet",
  neobert: "NeoBert",
  roberta: "Roberta",
  roformer: "RoFormer",
  squeezebert: "SqueezeBert",
  xlm: "XLM",
  "xlm-roberta": "XLMRoberta",
};
const IMAGE_CLASSES: Readonly<Record<string, string>> = {
  beit: "Beit",
  deit: "DeiT",
  dinov2: "Dinov2",
  dinov2_with_registers: "Dinov2WithRegisters",
  ijepa: "IJepa",
  vit: "ViT",
  vit_msn: "ViTMSN",
};
/** Of the encoders above, those it has no token classifier of. */
const NO_TOKENS: ReadonlySet<string> = new Set(["albert", "mobilebert", "squeezebert"]);

/**
 * The `model_type` and class under which Transformers.js runs a model. Its classes of one kind all do the same (feed the
 * graph), so a type it does not know stands as `bert` or `vit`.
 */
export function pipelineType(
  kind: "image" | "text",
  goal: Goal,
  own: unknown,
): { readonly modelType: string; readonly architecture: string } {
  const suffix = suffixOf(kind, goal);
  const classes = kind === "text" ? TEXT_CLASSES : IMAGE_CLASSES;
  const isKnown =
    typeof own === "string" &&
    Object.hasOwn(classes, own) &&
    !(suffix === "ForTokenClassification" && NO_TOKENS.has(own));
  const modelType = isKnown ? own : kind === "text" ? "bert" : "vit";
  return { modelType, architecture: `${classes[modelType]}${suffix}` };
}

function suffixOf(kind: "image" | "text", goal: Goal): Suffix {
  if (outputLevel(goal) === "embedding") return "Model";
  if (kind === "image") return "ForImageClassification";
  return goal.kind === "tokens" ? "ForTokenClassification" : "ForSequenceClassification";
}

/** Types that keep their name for some goal. */
export const KNOWN_TYPES = { text: Object.keys(TEXT_CLASSES), image: Object.keys(IMAGE_CLASSES) } as const;
