import { expect, test } from "vitest";
import { parseMethods, withControls } from "./index.ts";

test("methods are parted by spaces or semicolons; commas belong to targets and edges", () => {
  const methods = ["knn", "lora:q,v@r8", "4-5,20-3@r16"];
  expect(parseMethods("knn; lora:q,v@r8  4-5,20-3@r16;")).toEqual(methods);
});

test.each([
  ["knn,linear", /method "knn,linear".*parted by spaces or semicolons, not by commas/],
  ["lora:q,v bitfitt", /method "bitfitt".*did you mean "bitfit"/],
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
