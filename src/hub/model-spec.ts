import { GraftError } from "../base/index.ts";

/** A model on a hub, as `hf:org/name[@revision]` names it. */
export interface ModelSpec {
  /** `org/name`, or `name` alone for the hub's oldest models. */
  readonly repo: string;
  /** Branch, tag or commit; `main` unless given. */
  readonly revision: string;
}

const PREFIX = "hf:";
/** What the hub allows in a name: letters, digits, `-`, `_`, `.`, none of the marks at an end or doubled. */
const NAME = /^(?![-.])(?!.*(--|\.\.))[\w.-]{1,96}(?<![-.])$/;
const REVISION = /^(?!.*(\.\.|\/\/))[\w][\w./-]{0,199}(?<!\/)$/;

/** Whether a source names a model on a hub. */
export const isHubSource = (source: string): boolean => source.startsWith(PREFIX);

/** How a model at one revision is written. */
export const formatModelSpec = ({ repo, revision }: ModelSpec): string =>
  `${PREFIX}${repo}${revision === "main" ? "" : `@${revision}`}`;

/**
 * Read `hf:org/name[@revision]`; a web address of a model's page is understood and corrected.
 * @throws GraftError HUB_SPEC
 */
export function parseModelSpec(source: string): ModelSpec {
  const text = source.startsWith(PREFIX) ? source.slice(PREFIX.length) : source;
  const [repo = "", revision = "main", ...rest] = text.split("@");
  const refuse = (place: string) =>
    new GraftError("HUB_SPEC", {
      thing: `"${source}"`,
      place,
      remedy: `${meant(text)}Write hf:org/name or hf:org/name@revision, e.g. hf:Xenova/all-MiniLM-L6-v2`,
    });
  const parts = repo.split("/");
  if (parts.length > 2) throw refuse(`a model has one organisation and one name, this has ${parts.length} parts`);
  const odd = parts.find((part) => !NAME.test(part));
  if (odd !== undefined) throw refuse(odd === "" ? "a name is empty" : `"${odd}" is no name the hub allows`);
  if (rest.length > 0) throw refuse("it has more than one @");
  if (!REVISION.test(revision)) throw refuse(`"${revision}" is no revision`);
  return { repo, revision };
}

/** A copied address, `https://huggingface.co/org/name/tree/main`, or `models/org/name`. */
function meant(text: string): string {
  const found = /^(?:https?:\/\/[^/]+\/|models\/)([\w.-]+\/[\w.-]+)(?:\/(?:tree|resolve|blob)\/([^/]+).*)?\/?$/.exec(
    text,
  );
  return found ? `did you mean "${formatModelSpec({ repo: found[1]!, revision: found[2] ?? "main" })}"? ` : "";
}
