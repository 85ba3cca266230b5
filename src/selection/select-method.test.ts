import { beforeAll, describe, expect, test } from "vitest";
import { tinyPreNorm } from "../../test/support/tiny-backbone.ts";
import type { Backbone } from "../backbone/index.ts";
import { namedMethods } from "../methods/index.ts";
import { methodUsages, needsScores, parseMethod, selectMethod } from "./index.ts";

let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyPreNorm();
});

test.each([
  ["linear", { name: "linear", given: {} }],
  [" lora:q,v@r8@a16 ", { name: "lora", given: { targets: ["q", "v"], rank: 8, alpha: 16 } }],
  ["lora", { name: "lora", given: {} }],
  ["dora:encoder.*.query, 1.fc2@a4", { name: "dora", given: { targets: ["encoder.*.query", "1.fc2"], alpha: 4 } }],
  ["lora@a0.5", { name: "lora", given: { alpha: 0.5 } }],
  ["adapter+@r4", { name: "adapter+", given: { rank: 4 } }],
  ["apla:64@7", { name: "apla", given: { count: 64, seed: 7 } }],
  ["page:2", { name: "page", given: { count: 2 } }],
  ["gga:3@r16", { place: { selector: "gga", count: 3, rank: 16 } }],
  ["all:parallel", { place: { selector: "all:parallel" } }],
  ["none", { place: { selector: "none" } }],
  ["4-5@r2", { place: { edges: [{ from: 4, to: 5, rank: 2 }] } }],
] as const)("%j is read", (text, spec) => {
  expect(parseMethod(text)).toEqual(spec);
});

test.each([
  ["lroa:q", "UNKNOWN_METHOD", 'did you mean "lora"? Write one of linear, full,'],
  ["hulsby@r8", "UNKNOWN_METHOD", 'did you mean "houlsby"?'],
  ["gaa:3", "UNKNOWN_METHOD", 'did you mean "gga"?'],
  ["all:paralel", "UNKNOWN_SELECTOR", 'did you mean "all:parallel"?'],
  ["lora:q,,v", "BAD_METHOD", "a target is empty. Write it as lora:q,v@r8@a16"],
  ["bitfit:all", "BAD_METHOD", 'nothing may follow its name but ":all" does'],
  ["full@r8", "BAD_METHOD", '"@r8" is a rank, which it has not'],
  ["houlsby@a16", "BAD_METHOD", '"@a16" is an alpha, which it has not'],
  ["lora@r8@r4", "BAD_METHOD", '"@r4" gives a rank twice'],
  ["lora@r0.5", "BAD_METHOD", '"@r0.5" is neither a rank (@r8)'],
  ["lora@x", "BAD_METHOD", '"@x" is neither a rank (@r8), an alpha (@a16) nor a seed (@7)'],
  ["apla:some", "BAD_METHOD", '"some" is not a number'],
  ["lora@r0", "OPTIONS", '"rank": 0: the method "lora"'],
  ["apla:17", "COLUMNS_OUT_OF_RANGE", "17 columns of 0.o"],
  ["houlsby@r0", "RANK_OUT_OF_RANGE", "rank 0"],
])("%j is refused: %s", (text, code, message) => {
  const ask = () => selectMethod(text, backbone);
  expect(ask).toThrow(expect.objectContaining({ code }));
  expect(ask).toThrow(message);
});

describe("a method", () => {
  test("without a rank gets the default one, as placements do", () => {
    expect(selectMethod("lora", backbone, { defaultRank: 3 }).method).toMatchObject({ kind: "lora", rank: 3 });
    expect(selectMethod("pfeiffer", backbone, { defaultRank: 3 }).method).toMatchObject({
      placement: [
        { from: 2, to: 2, rank: 3 },
        { from: 4, to: 4, rank: 3 },
      ],
    });
    expect(selectMethod("all:parallel", backbone, { defaultRank: 3 }).selection?.placement).toHaveLength(4);
  });

  test("that is a placement takes the adapters' settings; named ones have their own", () => {
    const adapter = { activation: "tanh" } as const;
    expect(selectMethod("1-2", backbone, { adapter }).method).toMatchObject({ adapter: { activation: "tanh" } });
    expect(selectMethod("adaptformer", backbone, { adapter }).method).toMatchObject({
      placement: [
        { from: 1, to: 2, rank: 8 },
        { from: 3, to: 4, rank: 8 },
      ],
      adapter: { activation: "relu", factor: 0.1, norm: false },
    });
  });

  test("needs scores only if it is a placement that does", () => {
    expect(["gga:2", "random:2", "lora"].map((text) => needsScores(parseMethod(text)))).toEqual([true, false, false]);
    expect(() => selectMethod("gga:2", backbone)).toThrow(expect.objectContaining({ code: "SCORES_NEEDED" }));
  });

  test("is written as its usage says, and the list holds them all", () => {
    for (const [name, { usage }] of Object.entries(namedMethods)) expect(parseMethod(usage)).toMatchObject({ name });
    expect(methodUsages().map(({ usage }) => usage)).toEqual(
      expect.arrayContaining(["lora:q,v@r8@a16", "gga:3", "4-5,20-3@r16"]),
    );
  });
});
