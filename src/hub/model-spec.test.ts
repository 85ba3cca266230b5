import { expect, test } from "vitest";
import { formatModelSpec, isHubSource, parseModelSpec } from "./index.ts";

test.each([
  ["hf:Xenova/all-MiniLM-L6-v2", "Xenova/all-MiniLM-L6-v2", "main"],
  ["hf:bert-base-uncased", "bert-base-uncased", "main"],
  ["hf:a/b.c_d@v1.0", "a/b.c_d", "v1.0"],
  ["hf:a/b@refs/pr/3", "a/b", "refs/pr/3"],
  [`hf:a/b@${"0f".repeat(20)}`, "a/b", "0f".repeat(20)],
])("%s is understood", (source, repo, revision) => {
  expect(isHubSource(source)).toBe(true);
  expect(parseModelSpec(source)).toEqual({ repo, revision });
  expect(formatModelSpec({ repo, revision })).toBe(source);
});

test.each([
  ["hf:", /a name is empty/],
  ["hf:a/", /a name is empty/],
  ["hf:a/b/c", /3 parts/],
  ["hf:../b", /"\.\." is no name/],
  ["hf:a/b c", /"b c" is no name/],
  ["hf:a--b/c", /"a--b" is no name/],
  ["hf:a/b@", /"" is no revision/],
  ["hf:a/b@../x", /is no revision/],
  ["hf:a/b@x@y", /more than one @/],
  ["hf:https://huggingface.co/org/name", /did you mean "hf:org\/name"\? Write hf:org\/name/],
  ["hf:https://huggingface.co/org/name/tree/v2", /did you mean "hf:org\/name@v2"\?/],
  ["hf:models/org/name", /did you mean "hf:org\/name"\?/],
])("%s is refused in one line", (source, message) => {
  expect(() => parseModelSpec(source)).toThrow(
    expect.objectContaining({ code: "HUB_SPEC", message: expect.stringMatching(message) }),
  );
});
