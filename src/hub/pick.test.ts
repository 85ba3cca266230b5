import { describe, expect, test } from "vitest";
import { GraftError } from "../base/index.ts";
import { pickFiles, pickOnnx } from "./index.ts";

const place = "hf:org/name";

describe("the ONNX file", () => {
  // Listings as repositories have them: Xenova's, onnx-community's, Optimum's, sentence-transformers'.
  const xenova = ["onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_quantized.onnx", "onnx/model_q4.onnx"];
  const optimum = ["model.onnx", "model_optimized.onnx"];
  const levels = ["onnx/model.onnx", "onnx/model_O4.onnx", "onnx/model_qint8_avx512.onnx"];
  const clip = ["onnx/text_model.onnx", "onnx/vision_model.onnx", "onnx/vision_model_fp16.onnx"];
  const cases: [files: string[], variant: string | undefined, onnx: string][] = [
    [xenova, undefined, "onnx/model.onnx"],
    [xenova, "fp32", "onnx/model.onnx"],
    [xenova, "fp16", "onnx/model_fp16.onnx"],
    [xenova, "q8", "onnx/model_quantized.onnx"],
    [xenova, "q4", "onnx/model_q4.onnx"],
    [["onnx/model_int8.onnx", "onnx/model_uint8.onnx"], "uint8", "onnx/model_uint8.onnx"],
    [["onnx/model_bnb4.onnx"], "bnb4", "onnx/model_bnb4.onnx"],
    [["onnx/model_q4f16.onnx"], "q4f16", "onnx/model_q4f16.onnx"],
    [["model.onnx", "onnx/model.onnx"], undefined, "onnx/model.onnx"],
    [["model.onnx", "onnx/model_fp16.onnx"], undefined, "model.onnx"],
    [["onnx/model_quantized.onnx", "onnx/model_fp16.onnx"], undefined, "onnx/model_fp16.onnx"],
    [["onnx/model_q4.onnx", "onnx/model_int8.onnx"], undefined, "onnx/model_int8.onnx"],
    [optimum, undefined, "model.onnx"],
    [optimum, "model_optimized.onnx", "model_optimized.onnx"],
    [levels, "model_O4.onnx", "onnx/model_O4.onnx"],
    [levels, "onnx/model_qint8_avx512.onnx", "onnx/model_qint8_avx512.onnx"],
    [clip, "vision_model.onnx", "onnx/vision_model.onnx"],
    [["encoder.onnx"], undefined, "encoder.onnx"],
  ];
  test.each(cases)("of %j with variant %s is %s", (files, variant, onnx) => {
    const found = pickOnnx([...files, "config.json"], { variant, place });
    expect(found).toMatchObject({ onnx, data: [] });
    expect(found?.note).toContain(`took ${onnx}`);
    expect(pickOnnx([...files].reverse(), { variant, place })?.onnx).toBe(onnx);
  });

  test("comes with its external data, and no other file's", () => {
    const files = [
      "onnx/model.onnx",
      "onnx/model.onnx_data_1",
      "onnx/model.onnx_data",
      "onnx/model_fp16.onnx",
      "onnx/model_fp16.onnx_data",
      "onnx/model.onnx_database",
    ];
    expect(pickOnnx(files, { place })?.data).toEqual(["onnx/model.onnx_data", "onnx/model.onnx_data_1"]);
    expect(pickOnnx(files, { place, variant: "fp16" })?.data).toEqual(["onnx/model_fp16.onnx_data"]);
    expect(pickOnnx(["model.onnx", "model.onnx.data"], { place })?.data).toEqual(["model.onnx.data"]);
  });

  test("is said with its kind and what else there is", () => {
    expect(pickOnnx(xenova, { place })?.note).toBe("took onnx/model.onnx (fp32); there are also fp16, q4, q8");
  });

  test.each([
    [xenova, "int8", /variant "int8": hf:org\/name has no such ONNX file.*There are fp32, fp16, q4, q8/],
    [xenova, "ffp16", /did you mean "fp16"\?/],
    [xenova, "../model.onnx", /has no such ONNX file/],
    [xenova, "toString", /has no such ONNX file/],
    [
      clip,
      undefined,
      /several ONNX files and none is called model\.onnx: onnx\/text_model\.onnx, onnx\/vision_model\.onnx,/,
    ],
  ])("of %j with variant %s is refused with the names that exist", (files, variant, message) => {
    const pick = () => pickOnnx(files, { variant, place });
    expect(pick).toThrow(GraftError);
    expect(pick).toThrow(expect.objectContaining({ code: "ONNX_VARIANT", message: expect.stringMatching(message) }));
  });
});

describe("the files needed", () => {
  const text = [
    "README.md",
    "config.json",
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "pytorch_model.bin",
  ];

  test("are one ONNX file and the settings beside it", () => {
    const files = [...text, "model.safetensors", "onnx/model.onnx", "onnx/model_q4.onnx", "1_Pooling/config.json"];
    expect(pickFiles(files, { place })).toEqual({
      onnx: "onnx/model.onnx",
      weights: ["onnx/model.onnx"],
      settings: ["config.json", "tokenizer.json", "tokenizer_config.json", "1_Pooling/config.json"],
      notes: ["took onnx/model.onnx (fp32); there are also q4"],
    });
  });

  test("are safetensors, whole or in pieces, where there is no ONNX file", () => {
    const one = pickFiles([...text, "model.safetensors"], { place });
    expect(one).toMatchObject({ onnx: undefined, weights: ["model.safetensors"] });
    expect(one.notes).toEqual(["there is no ONNX file: the model is built from model.safetensors"]);
    const pieces = ["model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors"];
    expect(pickFiles([...text, ...pieces, "model.safetensors.index.json"], { place }).weights).toEqual([
      "model.safetensors.index.json",
      ...pieces.reverse(),
    ]);
  });

  test("have the word list only where the tokenizer has no file of its own", () => {
    const old = text.filter((file) => file !== "tokenizer.json");
    expect(pickFiles([...old, "model.onnx"], { place }).settings).toContain("vocab.txt");
  });

  test.each([
    [text, undefined, "MODEL_NOT_FOUND", /its weights are in pytorch_model\.bin only/],
    [["README.md"], undefined, "MODEL_NOT_FOUND", /neither onnx\/model\.onnx nor model\.onnx, nor model\.safetensors/],
    [["model.safetensors"], undefined, "MODEL_NOT_FOUND", /with a config\.json/],
    [[...text, "model.safetensors"], "q8", "ONNX_VARIANT", /hf:org\/name has no ONNX file/],
  ])("%j with variant %s are refused: %s", (files, variant, code, message) => {
    expect(() => pickFiles(files, { variant, place })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
