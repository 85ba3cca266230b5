import { expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { checkMethods, parseMethods, parseReference, withControls } from "./index.ts";

test("methods are parted by spaces or semicolons; commas belong to targets and edges", () => {
  const methods = ["knn", "lora:q,v@r8", "4-5,20-3@r16"];
  expect(parseMethods("knn; lora:q,v@r8  4-5,20-3@r16;")).toEqual(methods);
});

test.each([
  ["knn,linear", /method "knn,linear".*parted by spaces or semicolons, not by commas/],
  ["lora:q,v bitfitt", /method "bitfitt".*did you mean "bitfit"/],
  ["lora:q v", /method "v".*Targets are parted by commas, without spaces: lora:q,v\./],
  ["lora:q, v", /method "lora:q,".*No space may follow a comma/],
  ["bitfit k", /method "k": (?!.*Targets)/],
  ["knnn", /did you mean "knn".*, or knn$/],
  ["full; full", /full stands in it twice/],
  [" ; ", /there is none/],
])("%s is refused, with the likely reason", (text, message) => {
  expect(() => parseMethods(text)).toThrow(message);
});

test("what a score chose stands beside as many random and first edges of the same rank, and beside the reference", () => {
  expect(withControls(["gga:3@r32", "full", "gga:5"], "linear")).toEqual({
    methods: ["linear", "gga:3@r32", "random:3@r32", "first:3@r32", "full", "gga:5", "random:5", "first:5"],
    added: ["linear", "random:3@r32", "first:3@r32", "random:5", "first:5"],
  });
});

test("controls that are there already, under any seed, are not added", () => {
  const methods = ["first:3@r4", "gga:3@r4", "random:3@r4@7", "linear"];
  expect(withControls(methods, "linear")).toEqual({ methods, added: [] });
  expect(withControls(["gga:3"], "first:3")).toEqual({
    methods: ["gga:3", "random:3", "first:3"],
    added: ["random:3", "first:3"],
  });
});

test("the reference is one method", () => {
  expect(parseReference(" lora:q,v ")).toBe("lora:q,v");
  expect(() => parseReference("linear full")).toThrow(/reference "linear full": it holds 2 methods/);
});

/** 5 states, thus 25 edges of which 4 are parallel. */
const backbone = await tinyPreNorm();
const check = (methods: string, reference = "linear", onUnsuited?: (text: string) => void) =>
  checkMethods(parseMethods(methods), backbone, tinyTask(), { reference, rank: 8, onUnsuited });

test.each([
  ["gga:26", "linear", /placement "gga:26": 26 edges asked for; a backbone with 5 states has 25 edges/],
  ["gga:5@r2", "linear", /placement "first:5@r2", which is added beside gga:5@r2: 5 edges asked for/],
  ["linear", "lora:qq", /target "qq"/],
  ["linear", "gga:26", /placement "gga:26"/],
  ["none; knn", "linear", /methods linear and none: two ways to write one method/],
  ["lora; lora:q,v@r8@a16", "knn", /methods lora and lora:q,v@r8@a16/],
  ["gga:3; gga:3@r8", "knn", /methods gga:3 and gga:3@r8/],
  ["all:parallel", "first:4@r8", /methods first:4@r8 and all:parallel/],
])("%s against %s is refused before anything runs", (methods, reference, message) => {
  expect(() => check(methods, reference)).toThrow(message);
});

test("methods that only look alike stay, and what does not suit is left out where it may be", () => {
  const methods = "random:3 random:3@7 lora@r4 dora@r4 lora@r4@a8 gga:3 gga:4";
  expect(check(methods)).toEqual(methods.split(" "));
  const said: string[] = [];
  expect(check("gga:5 full", "linear", (text) => said.push(text))).toEqual(["full"]);
  expect(said).toEqual([expect.stringMatching(/^gga:5 is left out: placement "first:5"/)]);
});
