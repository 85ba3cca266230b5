import { readFileSync } from "node:fs";
import { authorFromSafetensors, type Backbone, openGraph } from "../../src/backbone/index.ts";
import { random } from "../../src/base/index.ts";
import { encodeSafetensors } from "../../src/formats/index.ts";
import { type Tensor, tensorOf } from "../../src/graph/index.ts";
import { nodeRuntime } from "../../src/runtime/node.ts";
import { type ColumnNames, findColumns, openLabelled, type Row, type Table } from "../../src/tables/index.ts";
import { type LabelledTask, openLabelledTask } from "../../src/tasks/index.ts";
import { openTokenizer, type Tokenizer } from "../../src/text/index.ts";

const TOKENIZER = "test/fixtures/tokenizers/bert.json";

const HIDDEN = 16;
const LAYERS = 2;
const MLP = 32;
const POSITIONS = 32;

/** A recorded BERT tokenizer of a small vocabulary. */
export const tinyTokenizer = (): Tokenizer =>
  openTokenizer(JSON.parse(readFileSync(TOKENIZER, "utf8")), { maxLength: POSITIONS });

/** What `config.json` says of `tinyBert`. */
export const tinyBertConfig = (vocabulary: number) => ({
  model_type: "bert",
  vocab_size: vocabulary,
  hidden_size: HIDDEN,
  num_hidden_layers: LAYERS,
  num_attention_heads: 2,
  intermediate_size: MLP,
  max_position_embeddings: POSITIONS,
  type_vocab_size: 2,
  hidden_act: "gelu",
  layer_norm_eps: 1e-12,
});

/** A BERT small enough for finite differences, its weights random, 5 hidden states. */
export async function tinyBert(): Promise<Backbone> {
  const tokenizer = tinyTokenizer();
  const config = tinyBertConfig(tokenizer.vocabularySize);
  const graph = authorFromSafetensors(config, tinyBertWeights(config));
  return openGraph(graph, nodeRuntime, { name: "tiny-bert", tokenizer });
}

/** Weights by the names `save_pretrained` gives them. */
export function tinyBertWeights(config: ReturnType<typeof tinyBertConfig>): Map<string, Tensor> {
  const draw = random(5);
  const tensors = new Map<string, Tensor>();
  const add = (name: string, shape: readonly number[], mean: number, std: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: size }, () => mean + std * draw.normal());
    tensors.set(name, tensorOf("float32", shape, values));
  };
  const linear = (name: string, from: number, to: number) => {
    add(`${name}.weight`, [to, from], 0, 1 / Math.sqrt(from));
    add(`${name}.bias`, [to], 0, 0.1);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, [HIDDEN], 1, 0.1);
    add(`${name}.bias`, [HIDDEN], 0, 0.1);
  };
  add("embeddings.word_embeddings.weight", [config.vocab_size, HIDDEN], 0, 1);
  add("embeddings.position_embeddings.weight", [POSITIONS, HIDDEN], 0, 0.3);
  add("embeddings.token_type_embeddings.weight", [2, HIDDEN], 0, 0.3);
  norm("embeddings.LayerNorm");
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const part of ["query", "key", "value"]) linear(`${at}.attention.self.${part}`, HIDDEN, HIDDEN);
    linear(`${at}.attention.output.dense`, HIDDEN, HIDDEN);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, HIDDEN, MLP);
    linear(`${at}.output.dense`, MLP, HIDDEN);
    norm(`${at}.output.LayerNorm`);
  }
  return tensors;
}

/** The files of `tinyBert`'s folder, as `save_pretrained` leaves them. */
export function tinyBertFiles(): Record<string, string | Uint8Array> {
  const config = tinyBertConfig(tinyTokenizer().vocabularySize);
  const { tokenizer, config: settings } = JSON.parse(readFileSync(TOKENIZER, "utf8"));
  return {
    "config.json": JSON.stringify(config),
    "model.safetensors": encodeSafetensors(tinyBertWeights(config), new Map()),
    "tokenizer.json": JSON.stringify(tokenizer),
    "tokenizer_config.json": JSON.stringify(settings ?? {}),
  };
}

/** A table in memory. */
export function tableOf(rows: readonly Row["cells"][], name = "rows"): Table {
  return {
    name,
    format: "memory",
    columns: Object.keys(rows[0] ?? {}),
    async *rows() {
      for (const [k, cells] of rows.entries()) yield { place: `${name} row ${k + 1}`, cells };
    },
  };
}

/** Rows as a task for `tinyBert`; validation and test are split off. */
export async function tinyTextTask(rows: readonly Row["cells"][], columns: ColumnNames = {}): Promise<LabelledTask> {
  const table = tableOf(rows);
  const found = await findColumns(table, columns);
  const labelled = await openLabelled({ splits: { train: table }, notes: [] }, found, { validationShare: 0.25 });
  return openLabelledTask(labelled, { name: "rows", tokenizer: tinyTokenizer() });
}

const SUBJECTS = ["the fox", "a small dog", "my old neighbour", "the quick brown river", "one of them"];
const ACTIONS = [
  "runs over the hill",
  "sleeps",
  "sings in the morning light",
  "reads a book",
  "waits for rain and snow",
];

/** Texts of several lengths; what they say depends on k alone. */
export const tinyText = (k: number): string =>
  `${SUBJECTS[k % SUBJECTS.length]} ${ACTIONS[Math.floor(k / SUBJECTS.length) % ACTIONS.length]} ${k}`;
