import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import sharp from "sharp";
import { ModelProtoSchema, type TensorProtoSchema } from "../../src/graph/onnx/gen/onnx_pb.js";

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/encoders/${path}.onnx`, import.meta.url));

/** Write good and bad models, pictures, folders and settings into a folder. */
export async function writeBadFiles(root: string): Promise<void> {
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const copy = (name: string, path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(fixture(name), join(root, path));
  };

  copy("timm-vit-ts17", "vit.onnx");
  copy("deit-classifier-ts17", "deit.onnx");
  copy("bert-sdpa-ts14", "bert.onnx");
  copy("refused/resnet", "resnet.onnx");
  const whole = readFileSync(fixture("timm-vit-ts17"));
  put("truncated.onnx", whole.subarray(0, whole.length >> 1));
  put("empty.onnx", "");
  put("zip.onnx", Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0));
  put("page.onnx", "<!DOCTYPE html><html><body>Not found</body></html>");
  put("json.onnx", '{"model": "vit", "layers": 12}');
  put("dims.onnx", withTensor({ dims: [3n], rawData: new Uint8Array(4) }));
  put("huge.onnx", withTensor({ dims: [1n << 40n, 1n << 40n], rawData: new Uint8Array(4) }));
  put("missing-data.onnx", outside("weights.bin"));
  put("up.onnx", outside("../secret.bin"));
  put("absolute.onnx", outside("/etc/passwd"));
  mkdirSync(join(root, "empty"));
  mkdirSync(join(root, "empty-run"));

  const noise = (side: number) => ({
    create: {
      width: side,
      height: side,
      channels: 3 as const,
      background: "#808080",
      noise: { type: "gaussian" as const, mean: 128, sigma: 40 },
    },
  });
  const png = await sharp(noise(24)).png().toBuffer();
  const reddish = await sharp({ create: { width: 24, height: 24, channels: 3, background: "#c02020" } })
    .png()
    .toBuffer();
  put("png.onnx", png);
  const classFolder = (path: string, count: number, content: Uint8Array = png) => {
    for (let k = 0; k < count; k++) put(join(path, `${k}.png`), content);
  };
  for (const folder of ["photos", "test-only", "cut", "text"]) {
    classFolder(`${folder}/train/grey`, 8);
    classFolder(`${folder}/train/red`, 8, reddish);
  }
  classFolder("test-only/test/blue", 2);
  put("cut/train/red/cut.png", png.subarray(0, png.length >> 1));
  put("text/train/red/text.png", "this is no picture\n");
  classFolder("one-class/train/grey", 8);
  classFolder("few/train/grey", 8);
  classFolder("few/train/red", 2, reddish);
  classFolder("no-images/train/grey", 8);
  put("no-images/train/red/readme.txt", "no pictures here");
  classFolder("latin1/train/grey", 8);
  classFolder("latin1/train/red", 8, reddish);
  writeFileSync(
    Buffer.concat([Buffer.from(join(root, "latin1/train/red/caf")), Buffer.of(0xe9), Buffer.from(".png")]),
    png,
  );
  mkdirSync(join(root, "no-train/train"), { recursive: true });

  const odd = sharp(noise(24));
  put("odd/one pixel.png", await sharp(noise(1)).png().toBuffer());
  put("odd/cmyk.jpg", await odd.clone().toColourspace("cmyk").jpeg().toBuffer());
  put("odd/sixteen.png", await odd.clone().toColourspace("rgb16").png().toBuffer());
  put("odd/grey.png", await odd.clone().greyscale().png().toBuffer());
  put(
    "odd/animation.png",
    await sharp(Buffer.alloc(24 * 48 * 3, 90), { raw: { width: 24, height: 48, channels: 3, pageHeight: 24 } })
      .gif()
      .toBuffer(),
  );

  put("list.yaml", "- task\n- count\n");
  put("broken.yaml", "task: [count\nseed: 1\n");
  put("type.yaml", "task: count\nepochs: many\n");
  put("key.yaml", "task: count\nlearningRat: 1\n");
  const scores = (matrix: unknown) => JSON.stringify({ schema: 1, scoreName: "srank", matrix });
  put(
    "small.json",
    scores([
      [1, 2],
      [3, 4],
    ]),
  );
  put(
    "nan.json",
    scores([
      [1, Number.NaN],
      [3, 4],
    ]),
  );
  put("not.json", "srank 1 2 3");
}

/** Copies of a trained model's folder, each with something changed; and trainings that stopped, with bad checkpoints. */
export function writeTrainedVariants(trained: string): void {
  const copy = (name: string) => cpSync(trained, name, { recursive: true });
  const edit = (name: string, change: (json: Description) => void) => {
    copy(name);
    const json = JSON.parse(readFileSync(join(trained, "adapters.json"), "utf8"));
    change(json);
    writeFileSync(join(name, "adapters.json"), JSON.stringify(json));
  };
  edit("edited-classes", (json) => json.goal.classes.push("blue"));
  edit("edited-placement", (json) => Object.assign(json.method, { placement: [{ from: 1, to: 2, rank: 8 }] }));
  edit("edited-hash", (json) => Object.assign(json.backbone, { hash: "0".repeat(64) }));
  edit("edited-source", (json) => Object.assign(json.backbone, { source: "/gone/vit.onnx" }));
  edit("edited-norm", (json) => Object.assign(json.method.adapter, { norm: "yes" }));
  copy("edited-json");
  writeFileSync("edited-json/adapters.json", '{ "schema": 1,');
  copy("cut-tensors");
  writeFileSync(
    "cut-tensors/adapters.safetensors",
    readFileSync(join(trained, "adapters.safetensors")).subarray(0, 700),
  );

  mkdirSync("cut-run");
  writeFileSync(
    "cut-run/checkpoint.safetensors",
    readFileSync(join(trained, "checkpoint.safetensors")).subarray(0, 2000),
  );
  mkdirSync("noise-run");
  writeFileSync("noise-run/checkpoint.safetensors", readFileSync("vit.onnx"));
}

interface Description {
  readonly backbone: object;
  readonly method: { readonly adapter: object };
  readonly goal: { readonly classes: string[] };
}

function withTensor(tensor: MessageInitShape<typeof TensorProtoSchema>): Uint8Array {
  const type = { value: { case: "tensorType" as const, value: { elemType: 1 } } };
  const graph = {
    name: "g",
    node: [{ input: ["x", "w"], output: ["y"], opType: "Add" }],
    initializer: [{ name: "w", dataType: 1, ...tensor }],
    input: [{ name: "x", type }],
    output: [{ name: "y", type }],
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 18n }], graph }),
  );
}

const outside = (location: string) =>
  withTensor({ dims: [2n], dataLocation: 1, externalData: [{ key: "location", value: location }] });
