import type * as z from "zod";
import { didYouMean, GraftError } from "../base/index.ts";
import { SpaceSettings, StudySettings, TrainingSettings } from "./settings.ts";

/**
 * Read a study.yaml.
 * @param place  what errors call it: a file
 * @throws GraftError BAD_STUDY with the line and the likely key; UNKNOWN_SAMPLER, UNKNOWN_PRUNER
 */
export async function readStudySettings(text: string, place: string): Promise<StudySettings> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import("yaml"); // whoever runs a study needs none
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault)
    throw bad(`${place}:${lines.linePos(fault.pos[0]).line}`, `not valid YAML: ${fault.message.split(" at line ")[0]}`);
  const parsed = StudySettings.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  // A key that is spelt wrong is also one that is missing: the spelling is the cause.
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const path = issue.path.map(String);
  const key = issue.code === "unrecognized_keys" ? issue.keys[0]! : path.join(".");
  const where = `${place}:${lineOf(issue.code === "unrecognized_keys" ? [...path, key] : path)}`;
  if (issue.code === "unrecognized_keys") {
    const schema = path[0] === "space" ? SpaceSettings : path[0] === "training" ? TrainingSettings : StudySettings;
    const known = Object.keys(schema.shape);
    const elsewhere = path[0] === "training" ? ELSEWHERE[key] : undefined;
    const remedy = elsewhere ?? `${didYouMean(key, known)}The keys are ${known.join(", ")}`;
    throw bad(where, `there is no key "${[...path, key].join(".")}"`, remedy);
  }
  throw bad(where, `${key || "the study"}: ${wordsOf(issue)}`);

  /** The line of the deepest key of a path that the file has. */
  function lineOf(keys: readonly string[]): number {
    let node: unknown = document.contents;
    let line = 1;
    for (const key of keys) {
      const pair = isMap(node)
        ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      if (!pair) break;
      line = lines.linePos((pair.key as { range?: [number] }).range?.[0] ?? 0).line;
      node = pair.value;
    }
    return line;
  }
}

/** What is wrong with a value; of tasks, which every study has to name, also how they are written. */
function wordsOf({ code, message, path }: z.core.$ZodIssue): string {
  if (code === "invalid_type" && path.length === 1 && path[0] === "tasks")
    return "a list of tasks is needed: `tasks: [count]`, or `tasks: [./tickets.csv]`";
  return message.replace(/^Invalid input: /, "");
}

/** Options of a training that a study sets another way. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  learningRate: "A candidate has it: write `space: { learningRate: … }`",
  seed: "Each run has its own: `seeds` says how many runs a trial has",
};

const bad = (thing: string, place: string, remedy = "Correct that line; docs/studies.md lists the keys"): GraftError =>
  new GraftError("BAD_STUDY", { thing, place, remedy });
