import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBadFiles, writeTrainedVariants } from "./bad-files.ts";
import { contentsOf, graftHere, graftInThread } from "./in-process.ts";

// A path with spaces, for everything below.
const folder = realpathSync(mkdtempSync(join(tmpdir(), "bad input ")));
const home = process.cwd();

beforeAll(async () => {
  await writeBadFiles(folder);
  process.chdir(folder);
  expect(await graftHere(...words(`${train} --out trained`))).toMatchObject({ code: 0, stderr: "" });
  writeTrainedVariants("trained");
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const words = (line: string) => line.split(" ").map((word) => word.replaceAll("␣", " "));
const model = "--model vit.onnx --quiet";
const train = `train ${model} --data photos --place first:1 --epochs 1`;
/** Flags given twice: the last one counts. `new` is a folder that no line may leave behind. */
const fresh = `${train} --out new`;
const any = `train ${model} --data photos --epochs 1 --out new`;
const score = `score ${model} --data photos`;

/** Command lines, and what their one line of error says. */
const mistakes: Record<string, [line: string, says: string][]> = {
  "model files": [
    ["inspect truncated.onnx", "truncated.onnx: not a whole ONNX model: it is damaged or cut off"],
    ["inspect empty.onnx", "it is empty (0 bytes)"],
    ["inspect png.onnx", "it looks like a PNG picture"],
    ["inspect zip.onnx", "it is a zip archive"],
    ["inspect page.onnx", "it is a web page (50 bytes). Download the file itself"],
    ["inspect json.onnx", "it looks like text"],
    ["inspect trained/adapters.safetensors", "it looks like safetensors"],
    ["inspect dims.onnx", 'tensor "w": dims.onnx holds 4 bytes for float32[3], which takes 12'],
    ["inspect huge.onnx", 'tensor "w"'],
    ["inspect missing-data.onnx", 'keeps its data in "weights.bin", which is missing'],
    ["inspect up.onnx", '"../secret.bin", which leads out of the model\'s folder'],
    ["inspect absolute.onnx", '"/etc/passwd", which is an absolute path'],
    ["inspect empty", "folder empty: it holds neither onnx/model.onnx nor model.onnx"],
    ["inspect nowhere.onnx", '"nowhere.onnx": there is no such file'],
    ["inspect /dev/zero", "it is no regular file"],
    ["inspect builtin:vitt", 'did you mean "vit"? Built in: builtin:vit'],
    ["inspect resnet.onnx", "no residual stream of tokens in it"],
    [`${fresh} --model bert.onnx`, "pictures: the model takes texts"],
  ],
  pictures: [
    [`${fresh} --data nowhere`, '"nowhere": there is no such file'],
    [`${fresh} --data empty`, "folder empty: it has no folder train/"],
    [`${fresh} --data vit.onnx`, '"vit.onnx": .onnx is no table'],
    [`${fresh} --data no-train`, "no-train/train: it has no class folders"],
    [`${fresh} --data one-class`, 'it has one class only, "grey". Give at least two'],
    [`${fresh} --data no-images`, "class folder no-images/train/red: it has no .png"],
    [`${fresh} --data test-only`, 'class "blue": test-only/test has it, test-only/train does not'],
    [`${fresh} --data few`, 'class "red" with 2 training images'],
    [`${fresh} --data cut`, "train/red/cut.png: it cannot be decoded"],
    [`${fresh} --data text`, "train/red/text.png: it cannot be decoded"],
    [`${fresh} --data latin1`, "its name is not valid UTF-8. Rename the file"],
    ["predict --model trained nowhere.png", "image nowhere.png: there is no such file"],
    ["predict --model trained photos", "image photos: it is a folder, not a picture"],
    ["predict --model trained photos/train/red/0.png text/train/red/text.png", "text.png: it cannot be decoded"],
  ],
  "--place": [
    [`${fresh} --place 99-0`, 'edge (99, 0): placement "99-0", entry 1; the backbone has states 0 to 4'],
    [`${fresh} --place 0-1,0-1`, "entry 2 repeats entry 1"],
    [`${fresh} --place 4-`, 'edge "4-"'],
    [`${fresh} --place=`, "an empty edge"],
    [`${fresh} --place gag:3`, 'did you mean "gga"?'],
    [`${fresh} --place gga:26`, "26 edges asked for; a backbone with 5 states has 25"],
    [`${fresh} --place gga:-1`, '"-1" is not a count'],
    [`${fresh} --place gga:1.5`, '"1.5" is not a count'],
    [`${fresh} --place first:5`, "has 4 parallel edges"],
    [`${fresh} --place all:sideways`, 'placement "all:sideways": no selector has that name'],
    [`${fresh} --place random:2@x`, '"@x" is neither a seed (@7) nor a rank (@r16)'],
    [`${fresh} --place 0-1@r0`, "rank 0 of edge (0, 1)"],
    [`${fresh} --place 0-1@r1000000000`, "rank 1000000000 of edge (0, 1)"],
    [`${fresh} --place first:1 --rank 1000000000`, "rank 1000000000"],
  ],
  "--method": [
    [`${any} --method lroa:q`, 'did you mean "lora"?'],
    [`${any} --method lora:query`, 'target "query"'],
    [`${any} --method full@r8`, '"@r8" is a rank, which it has not'],
    [`${fresh} --method lora`, "both --method and --place are given"],
  ],
  "flags and numbers": [
    ["trian", 'did you mean "train"?'],
    ["--quite", "--quite: graft has no such flag of its own"],
    ["inspect a b", '"b": graft inspect takes flags and model and nothing else'],
    [`${fresh} --learning-rat 1`, 'did you mean "--learning-rate"?'],
    [`${fresh} --model`, "--model: graft train: the flag needs a value"],
    ["train --task coutn --out new", 'did you mean "count"?'],
    ["demo --task coutn --out new --quiet", 'did you mean "count"?'],
    ["train --out new", "neither --task nor --data is given"],
    [`${fresh} --task count`, "both --task and --data are given"],
    [`${fresh} --epochs 0`, "--epochs: must be at least 1, and this is 0"],
    [`${fresh} --epochs two`, '--epochs: expected a number, and this is "two"'],
    [`${fresh} --rank 0`, "--rank: must be at least 1"],
    [`${fresh} --batch-size 1.5`, "--batch-size: expected auto or a whole number, and this is 1.5"],
    [`${fresh} --learning-rate 0`, "--learning-rate: must be more than 0"],
    [`${fresh} --learning-rate Infinity`, "--learning-rate: expected a number, and this is Infinity"],
    [`${fresh} --seed -1`, "--seed: must be at least 0"],
    [`${fresh} --threads 100000`, "--threads: must be at most 512"],
    [`${fresh} --adapter-activation swish`, "expected one of gelu, relu, tanh, none"],
    ["train --task count --out new --train-size 0", "--train-size: must be at least 1"],
    ["train --task count --out new --train-size 1e12", "--train-size: must be at most 10000000"],
    [`${score} --examples 0`, "--examples: must be at least 1"],
    [`${score} --examples 1000000`, "1000000 probe examples"],
    [`${score} --eta 1`, "--eta: must be less than 1"],
    ["predict --model trained", "INPUTS: graft predict needs pictures, and there are none"],
    ["predict --model trained --text hello", "--text: model trained takes pictures. Name the files"],
    ["predict --model trained --top 0 photos/train/red/0.png", "--top: must be at least 1"],
  ],
  "config files": [
    ["train --config nowhere.yaml", "nowhere.yaml: the file cannot be read (ENOENT)"],
    ["train --config empty", "empty: the file cannot be read (EISDIR)"],
    ["train --config list.yaml", "list.yaml: holds no keys with values"],
    ["train --config broken.yaml", "broken.yaml:2: not valid YAML"],
    ["train --config type.yaml", '"epochs" in type.yaml:2: expected a number, and this is "many"'],
    ["train --config key.yaml", 'unknown key "learningRat": key.yaml:2. did you mean "learningRate"?'],
  ],
  "score files": [
    ["select --scores nowhere.json", "nowhere.json: the file cannot be read (ENOENT)"],
    ["select --scores not.json", "not.json: not JSON"],
    ["select --scores nan.json", "nan.json: matrix[0][1]"],
    ["select --scores empty.onnx", "the file is empty"],
    ["select --scores small.json --place gga:5", "5 edges asked for"],
    ["select --scores small.json --gamma 1.5 --place gga:1", "gamma 1.5"],
    [`${fresh} --scores small.json --place gga:2`, "their matrix is 2×2, but the backbone has 5 states"],
  ],
  "where results go": [
    [`${train} --out vit.onnx`, "it holds the frozen model"],
    [`${train} --out vit.onnx/x`, "a part of the path is a file, not a folder"],
    [`${train} --out=`, "--out: must not be empty"],
    [`${train} --out trained`, "folder trained: it holds a trained model already"],
    [`${train} --out cut-run`, "it holds the checkpoint of a training that has not ended. Give --resume"],
    [`demo --quick --quiet --out trained`, "it holds what `graft train` made"],
    [`${score} --picture nowhere/map.svg`, '"nowhere/map.svg": its folder does not exist'],
    ["export --force --model trained --out nowhere/model.onnx", "its folder does not exist"],
    ["export --force --model trained --out empty", '"empty": a folder has this name'],
    [
      "export --force --model trained --out vit.onnx",
      "file vit.onnx: it is the frozen model that the adapters belong to",
    ],
    ["export --model trained --out=", "--out: must not be empty"],
  ],
  "trainings to go on with": [
    [`${train} --resume --out nowhere`, "folder nowhere: there is no such folder, so no training to resume"],
    [`${train} --resume --out trained --place first:2`, 'setting "placement": the run to resume had'],
    [`${train} --resume --out trained --epochs 3`, 'setting "epochs": the run to resume had 1, this one has 3'],
    [`${train} --resume --out cut-run`, "the checkpoint: it has 2000 bytes, fewer than its header"],
    [`${train} --resume --out noise-run`, "the checkpoint: its header would take"],
  ],
  "trained models": [
    ["evaluate --data photos --model nowhere", "folder nowhere: there is no such folder. Name the folder"],
    ["evaluate --data photos --model empty", "folder empty: it holds no trained model"],
    ["evaluate --data photos --model vit.onnx", "it is a file, not the folder of a trained model"],
    ["evaluate --data photos --model cut-run", "its training has not ended"],
    ["evaluate --data photos --model builtin:vit", "model builtin:vit: it has no trained head"],
    ["evaluate --task count --model trained --quiet", "the model was trained for classify (2: grey, red)"],
    ["evaluate --data photos --model trained --backbone deit.onnx", "they were trained on the backbone with hash"],
    ["evaluate --data photos --model edited-hash", "they were trained on the backbone with hash"],
    ["evaluate --data photos --model edited-source", "the frozen model /gone/vit.onnx"],
    [
      "evaluate --data photos --model edited-classes",
      '"head.weight": it is float32[32,2] where float32[32,3] is needed',
    ],
    ["evaluate --data photos --model edited-placement", "adapters.1-2"],
    ["evaluate --data photos --model edited-norm", "adapters.json"],
    ["evaluate --data photos --model edited-json", "adapters.json: edited-json/adapters.json: it is not JSON"],
    ["evaluate --data photos --model cut-tensors", "adapters.safetensors"],
  ],
};

describe.each(Object.entries(mistakes))("%s", (_, list) => {
  test.each(list)("%s", async (line, says) => {
    const before = contentsOf(folder);
    const finished = await graftHere(...words(line));
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toMatch(/^graft: [^\n]{20,}\. [^\n]+\n$/);
    expect(finished.stderr).toContain(says);
    expect(contentsOf(folder)).toEqual(before);
  });
});

test("the thread of a training tells its mistakes as the main one does", async () => {
  for (const line of [`${fresh} --data few`, `${fresh} --place gag:3`, `${fresh} --learning-rat 1 --json`]) {
    const finished = await graftInThread(...words(line));
    expect(finished).toEqual(await graftHere(...words(line)));
    expect(finished.code).toBe(2);
  }
});

test("a learning rate far too high stops the training and leaves the last good checkpoint", async () => {
  const finished = await graftHere(
    ...words(`${train} --epochs 20 --clip-norm 1e20 --head-learning-rate 1e9 --learning-rate 1e9 --out high`),
  );
  expect(finished).toMatchObject({ code: 1, stdout: "" });
  expect(finished.stderr).toMatch(/^graft: training step \d+: the loss is .*Lower the learning rate.*\n$/);
  expect(readdirSync("high")).toEqual(["checkpoint.safetensors"]);
  expect(await graftHere("evaluate", "--model", "high", "--data", "photos")).toMatchObject({ code: 2 });
});

test("what a last step destroyed is not taken for a trained model", async () => {
  const finished = await graftHere(...words(`${train} --clip-norm 1e30 --learning-rate 1e30 --out last`));
  expect(finished).toMatchObject({ code: 1, stdout: "" });
  expect(finished.stderr).toMatch(/^graft: the trained model: its validation loss is .*\n$/);
  expect(existsSync("last/model.onnx")).toBe(false);
});

test.each([
  [
    "fewer examples than classes",
    "train --model vit.onnx --quiet --task count --train-size 3 --place none --epochs 1 --out three",
  ],
  ["a batch larger than the data", `${train} --batch-size 100000000 --out batch`],
  ["no checkpoint in a folder that is there", `${train} --resume --out empty-run`],
])("%s: no reason to stop", async (_, line) => {
  expect(await graftHere(...words(line))).toMatchObject({ code: 0 });
});

test("odd pictures are pictures: one pixel, CMYK, 16 bits, grey, a renamed animation", async () => {
  const files = readdirSync("odd").map((name) => join("odd", name));
  const { code, stdout, stderr } = await graftHere("predict", "--model", "trained", "--json", ...files);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { predictions } = JSON.parse(stdout);
  expect(predictions.map(({ file }: { file: string }) => file)).toEqual(files);
  for (const { classes } of predictions) expect(classes[0].probability).toBeGreaterThanOrEqual(0.5);
});

test("an export elsewhere lets the backbone move: --backbone says where it lies", async () => {
  const { code, stdout } = await graftHere(
    "evaluate",
    "--data",
    "photos",
    "--model",
    "edited-source",
    "--backbone",
    "vit.onnx",
    "--json",
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1, metric: "accuracy", split: "test", examples: 4 });
});
