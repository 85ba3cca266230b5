import { createBuilder, type Graph, type Tensor, tensorOf, tensorValues, type Value } from "../../graph/index.ts";
import { configError, readDistilConfig, readTextConfig, type TextConfig } from "./config.ts";
import { activation, createLayers, type Layers } from "./layers.ts";
import { readWeights, type Weights } from "./weights.ts";

/** What tells BERT's descendants apart. */
export interface TextFamily {
  /** What head classes put before the names of tensors. */
  readonly prefix: string;
  readonly config: (config: unknown) => TextConfig;
  /** Positions count from the padding token's id on and pass over padding (RoBERTa), or from 0. */
  readonly positions: "counted" | "plain";
  /** Whether the model takes `token_type_ids`. */
  readonly types: boolean;
  readonly names: BlockNames;
}

interface BlockNames {
  readonly block: (k: number) => string;
  readonly attention: readonly [string, string, string, string];
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
}

const BERT: BlockNames = {
  block: (k) => `encoder.layer.${k}`,
  attention: ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"],
  attentionNorm: "attention.output.LayerNorm",
  up: "intermediate.dense",
  down: "output.dense",
  outputNorm: "output.LayerNorm",
};

const DISTILBERT: BlockNames = {
  block: (k) => `transformer.layer.${k}`,
  attention: ["attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"],
  attentionNorm: "sa_layer_norm",
  up: "ffn.lin1",
  down: "ffn.lin2",
  outputNorm: "output_layer_norm",
};

const bert = (prefix: string): TextFamily => ({
  prefix,
  config: readTextConfig,
  positions: "plain",
  types: true,
  names: BERT,
});
const roberta: TextFamily = { ...bert("roberta."), positions: "counted", types: false };

/** By `model_type`. MiniLM and most sentence encoders are `bert`. */
export const TEXT_FAMILIES: Readonly<Record<string, TextFamily>> = {
  bert: bert("bert."),
  roberta,
  "xlm-roberta": roberta,
  camembert: roberta,
  electra: bert("electra."),
  distilbert: { ...bert("distilbert."), config: readDistilConfig, types: false, names: DISTILBERT },
};

const WORDS = "embeddings.word_embeddings.weight";
const POSITIONS = "embeddings.position_embeddings.weight";
const TYPES = "embeddings.token_type_embeddings.weight";
const PROJECTION = "embeddings_project.weight";
/** The lowest float32, as `transformers` masks. */
const HIDDEN = -3.4028234663852886e38;
const ROWS = ["batch", "sequence"];

/**
 * Author a post-norm text encoder (Devlin et al. 2018) from its weights.
 *
 * Inputs `input_ids`, `attention_mask` and, if the family has them, `token_type_ids`, int64 [batch, sequence], both
 * dynamic; outputs `last_hidden_state` float32 [batch, sequence, d] and, if it was saved, `pooler_output` [batch, d].
 */
export function authorText(family: TextFamily, json: unknown, tensors: ReadonlyMap<string, Tensor>): Graph {
  const config = family.config(json);
  refuseOthers(config);
  const weights = readWeights(tensors, WORDS, [family.prefix]);
  const g = createBuilder();
  const layers = createLayers(g, weights);
  const { names } = family;
  const { layer_norm_eps: epsilon, num_attention_heads: heads } = config;
  const act = activation(g, config.hidden_act);

  const ids = g.input("input_ids", "int64", ROWS);
  const mask = g.input("attention_mask", "int64", ROWS);
  const types = family.types && hasSeveralTypes(weights) ? g.input("token_type_ids", "int64", ROWS) : undefined;
  const embedded = layers.norm(
    embed(g, layers, weights, { ids, types }, family, config),
    "embeddings.LayerNorm",
    epsilon,
  );
  let x = weights.has(PROJECTION) ? layers.linear(embedded, "embeddings_project") : embedded;
  const hidden = g.sub(g.scalar(1), g.cast(mask, "float32"));
  const bias = g.unsqueeze(g.mul(hidden, g.scalar(HIDDEN)), [1, 2]); // [batch, 1, 1, sequence]
  for (let k = 0; k < config.num_hidden_layers; k++) {
    const at = (name: string) => `${names.block(k)}.${name}`;
    const projections = names.attention.map(at) as [string, string, string, string];
    x = layers.norm(g.add(x, layers.attention(x, projections, heads, bias)), at(names.attentionNorm), epsilon);
    const wide = act(layers.linear(x, at(names.up)));
    x = layers.norm(g.add(x, layers.linear(wide, at(names.down))), at(names.outputNorm), epsilon);
  }
  g.rename(x, "last_hidden_state");
  const pooled = weights.has("pooler.dense.weight");
  if (pooled) g.rename(layers.pooler(x, "pooler.dense"), "pooler_output");
  return g.toGraph(pooled ? ["last_hidden_state", "pooler_output"] : ["last_hidden_state"]);
}

const hasSeveralTypes = (weights: Weights) => weights.has(TYPES) && weights.shape(TYPES)[0]! > 1;

/** Words, positions and types, summed: [batch, sequence, width]. */
function embed(
  g: ReturnType<typeof createBuilder>,
  layers: Layers,
  weights: Weights,
  { ids, types }: { ids: Value; types: Value | undefined },
  { positions: kind }: TextFamily,
  config: TextConfig,
): Value {
  // Only ELECTRA's embeddings may be narrower than its blocks.
  const width = weights.has(PROJECTION) ? weights.shape(WORDS)[1]! : config.hidden_size;
  const words = g.gather(layers.constant(WORDS, [-1, width]), ids, 0);
  let table = weights.tensor(POSITIONS, [-1, width]);
  // Where every token is of type 0, that type is a part of each position.
  if (!types && weights.has(TYPES)) table = plusFirstRow(table, weights.tensor(TYPES, [-1, width]));
  const positions = g.constant(table, POSITIONS);
  const placed = kind === "plain" ? firstRows(g, positions, ids) : g.gather(positions, counted(g, ids, config), 0);
  let sum = g.add(words, placed);
  if (types) sum = g.add(sum, g.gather(layers.constant(TYPES, [-1, width]), types, 0));
  return g.refine(sum, { dtype: "float32", shape: [...ROWS, width] });
}

/** As many rows as a sequence is long. */
function firstRows(g: ReturnType<typeof createBuilder>, table: Value, ids: Value): Value {
  const length = g.op("Shape", [ids], { start: { type: "int", value: 1 }, end: { type: "int", value: 2 } });
  return g.op("Slice", [table, g.integers([0]), length, g.integers([0])]);
}

/** Token k of a row, padding aside, is at position pad + k; padding is at position pad. */
function counted(g: ReturnType<typeof createBuilder>, ids: Value, { pad_token_id }: TextConfig): Value {
  const pad = g.scalar(pad_token_id ?? 1, "int64");
  const real = g.cast(g.op("Not", [g.equal(ids, pad)]), "int64");
  const count = g.op("CumSum", [real, g.constant(tensorOf("int64", [], [1]))]);
  return g.add(g.mul(count, real), pad);
}

function plusFirstRow(table: Tensor, rows: Tensor): Tensor {
  const values = tensorValues(table) as Float32Array;
  const row = tensorValues(rows) as Float32Array;
  const width = table.shape[1]!;
  return tensorOf(
    "float32",
    table.shape,
    values.map((value, k) => value + row[k % width]!),
  );
}

function refuseOthers({ is_decoder, position_embedding_type: positions }: TextConfig): void {
  if (is_decoder) throw configError("is_decoder is true: the model looks back only", "graft takes encoders");
  if (positions !== "absolute")
    throw configError(`position_embedding_type is "${positions}"`, "Export the model to ONNX and give that file");
}
