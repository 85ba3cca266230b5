import type { Goal } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";

export interface UsageOptions {
  /** The model was trained on pairs of texts; default false. Embeddings take texts one by one all the same. */
  readonly pair?: boolean;
}

/** The task under which `pipeline()` of Transformers.js runs a model; undefined where it has none that is right. */
export function pipelineTask(
  { backbone: { input, pooling }, spec: { goal } }: TunedModel,
  { pair = false }: UsageOptions = {},
): string | undefined {
  const isText = input.kind === "text";
  switch (goal.kind) {
    case "classify":
      return !isText ? "image-classification" : pair ? undefined : "text-classification";
    case "multi_label":
      return !isText ? "image-feature-extraction" : pair ? undefined : "text-classification";
    case "regress":
      // A classification pipeline would make 1 of any single number, by softmax; this one returns what the graph returns.
      return !isText ? "image-feature-extraction" : pair ? undefined : "feature-extraction";
    case "tokens":
      return "token-classification";
    case "pair_score":
    case "triplet":
      // Padding is what stands last in a batch, and two vectors side by side it does not know.
      return isText && (pooling === "mean" || pooling === "cls") ? "feature-extraction" : undefined;
  }
}

/**
 * The lines of JavaScript that use a trained model's folder with `@huggingface/transformers`.
 * @param folder  as seen from where the program runs
 */
export function usageLines(model: TunedModel, folder: string, options: UsageOptions = {}): string[] {
  const path = JSON.stringify(/^[./\\]|^\w:/.test(folder) ? folder : `./${folder}`);
  const task = pipelineTask(model, options);
  if (task === undefined) return withoutPipeline(model, path);
  const { backbone, spec } = model;
  const isText = backbone.input.kind === "text";
  const argument = isText ? '["a text", "another one"]' : '["picture.jpg"]';
  const embedding = `{ pooling: "${backbone.pooling}", normalize: true }`;
  const call: Record<Goal["kind"], string> = {
    classify: `await run(${argument})`,
    multi_label: isText ? `await run(${argument}, { top_k: null })` : `(await run(${argument})).sigmoid().tolist()`,
    regress: `(await run(${argument})).tolist()`,
    tokens: `await run(${argument})`,
    pair_score: `(await run(${argument}, ${embedding})).tolist()`,
    triplet: `(await run(${argument}, ${embedding})).tolist()`,
  };
  return [
    'import { pipeline } from "@huggingface/transformers";',
    `const run = await pipeline("${task}", ${path});`,
    `console.log(${call[spec.goal.kind]});`,
  ];
}

/** What no pipeline does: pairs of texts, and vectors pooled otherwise. */
function withoutPipeline({ backbone, spec: { goal } }: TunedModel, path: string): string[] {
  const isEmbedding = goal.kind === "pair_score" || goal.kind === "triplet";
  const output = isEmbedding ? "sentence_embedding" : "logits";
  if (backbone.input.kind === "image")
    return [
      'import { AutoModel, AutoProcessor, load_image } from "@huggingface/transformers";',
      `const [prepare, model] = await Promise.all([AutoProcessor, AutoModel].map((part) => part.from_pretrained(${path})));`,
      `const { ${output} } = await model(await prepare(await load_image("picture.jpg")));`,
      `console.log(${output}.tolist());`,
    ];
  const options = "padding: true, truncation: true";
  const texts = isEmbedding
    ? `["a text", "another one"], { ${options} }`
    : `["a text"], { text_pair: ["its pair"], return_token_type_ids: true, ${options} }`;
  const answer: Partial<Record<Goal["kind"], string>> = {
    classify: "logits.tolist().map((row) => model.config.id2label[row.indexOf(Math.max(...row))])",
    multi_label: "logits.sigmoid().tolist()",
  };
  return [
    'import { AutoModel, AutoTokenizer } from "@huggingface/transformers";',
    `const [tokenize, model] = await Promise.all([AutoTokenizer, AutoModel].map((part) => part.from_pretrained(${path})));`,
    `const { ${output} } = await model(tokenize(${texts}));`,
    `console.log(${answer[goal.kind] ?? `${output}.tolist()`});`,
  ];
}
