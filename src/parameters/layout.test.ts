import { expect, test } from "vitest";
import { floats, normals, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { createBuilder, tensorOf } from "../graph/index.ts";
import { declareParameters, layoutOf, type Parameter, packVectors, parameterCount, unpackVectors } from "./index.ts";

const parameters: Parameter[] = [
  { name: "a", shape: [2, 3] },
  { name: "big", shape: [512, 512] },
  { name: "b", shape: [4], decay: false },
];
const layout = layoutOf(parameters);

test("small parameters lie one behind the other, big ones in vectors of their own", () => {
  const places = layout.map(({ name, size, entries }) => [name, size, entries.map((e) => [e.name, e.offset, e.size])]);
  expect(places).toEqual([
    [
      "theta",
      10,
      [
        ["a", 0, 6],
        ["b", 6, 4],
      ],
    ],
    ["theta.big", 2 ** 18, [["big", 0, 2 ** 18]]],
  ]);
  expect(parameterCount(layout)).toBe(10 + 2 ** 18);
  expect(layoutOf(parameters.slice(1, 2)).map(({ name }) => name)).toEqual(["theta.big"]);
});

test("packed and unpacked, tensors come back; in a graph each is cut out where it lies", async () => {
  const small = parameters.filter(({ name }) => name !== "big");
  const smallLayout = layoutOf(small);
  const tensors = trainedTensors(small, 1);
  const vectors = packVectors(smallLayout, tensors);
  expect([...vectors[0]!]).toEqual([...normals(6, 1), ...normals(4, 2)].map((x) => Math.fround(Math.fround(0.3 * x))));
  const back = unpackVectors(smallLayout, vectors);
  for (const [name, { bytes, shape }] of tensors) expect(back.get(name)).toMatchObject({ shape, bytes });
  const g = createBuilder();
  for (const [name, value] of declareParameters(g, smallLayout).tensors) g.rename(value, `out ${name}`);
  const outputs = await runOnce(g.toGraph(["out a", "out b"]), { theta: floats([10], vectors[0]!) });
  expect([...outputs["out a"]!, ...outputs["out b"]!]).toEqual([...vectors[0]!]);
});

test("a parameter that is missing, or of another shape or type, is refused by name", () => {
  const one = layoutOf([{ name: "a", shape: [2, 3] }]);
  const pack = (tensor?: ReturnType<typeof tensorOf>) => () => packVectors(one, new Map(tensor ? [["a", tensor]] : []));
  expect(pack()).toThrow(expect.objectContaining({ code: "PARAMETER_MISSING" }));
  expect(pack(tensorOf("float32", [3, 2], new Float32Array(6)))).toThrow(/"a".*float32\[3,2\].*float32\[2,3\]/);
  expect(pack(tensorOf("float64", [2, 3], new Float64Array(6)))).toThrow(
    expect.objectContaining({ code: "PARAMETER_SHAPE" }),
  );
});
