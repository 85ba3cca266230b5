import { GraftError } from "../base/index.ts";
import { formatModelSpec, type ModelSpec } from "./model-spec.ts";

/** What the hub answered with, when it was no success. */
export interface Refusal {
  readonly status: number;
  /** Its `X-Error-Code`: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo. */
  readonly code: string | null;
  readonly hasToken: boolean;
  readonly endpoint: string;
}

/** Turn the hub's refusal into an error that says what to do: HUB_ACCESS, HUB_NOT_FOUND, HUB_STATUS. */
export function refusalError(spec: ModelSpec, { status, code, hasToken, endpoint }: Refusal, hint = ""): GraftError {
  const thing = `"${formatModelSpec(spec)}"`;
  const error = (name: string, place: string, remedy: string) => new GraftError(name, { thing, place, remedy });
  const token = hasToken
    ? "Ask for access on its page, with the account the token belongs to"
    : "Ask for access on its page, then set HF_TOKEN to a token of your account";
  const form = spec.repo.includes("/")
    ? "Check organisation and name"
    : `Most models have an organisation: hf:org/${spec.repo}, e.g. hf:Xenova/${spec.repo}`;
  if (code === "RevisionNotFound")
    return error("HUB_NOT_FOUND", `it has no revision "${spec.revision}"`, "Check what stands behind the @");
  if (code === "EntryNotFound") return error("HUB_NOT_FOUND", "the hub lists a file and does not have it", "Try again");
  if (code === "GatedRepo") return error("HUB_ACCESS", "it is gated: its owner lets in who asks", token);
  // Without a right token the hub answers 401 for what does not exist as for what is private.
  if (status === 404 || (status === 401 && code === "RepoNotFound" && hasToken))
    return error("HUB_NOT_FOUND", `${endpoint} has no such model`, `${hint}${form}`);
  if (status === 401)
    return hasToken
      ? error(
          "HUB_ACCESS",
          "the hub does not accept the token, or there is no such model (401)",
          `${hint}Renew HF_TOKEN, or: ${form}`,
        )
      : error(
          "HUB_ACCESS",
          "there is no such model, or it is private (401)",
          `${hint}${form}; for a private one set HF_TOKEN`,
        );
  if (status === 403) return error("HUB_ACCESS", "the hub does not let you read it (403)", token);
  if (status === 429)
    return error(
      "HUB_STATUS",
      "the hub has had too many requests from here (429)",
      "Wait some minutes; set HF_TOKEN for a higher limit",
    );
  return error(
    "HUB_STATUS",
    `${endpoint} answered with status ${status}`,
    status >= 500 ? "Try again later" : "Check HF_ENDPOINT",
  );
}

/** What to do where the network is missing and the cache does not have all. */
export function offlineError(
  spec: ModelSpec,
  { why, kept, missing, cache }: { why: string; kept: readonly string[]; missing?: string; cache: string },
): GraftError {
  const list = kept.length === 0 ? `nothing of it is kept in ${cache}` : `kept in ${cache} are ${kept.join(", ")}`;
  return new GraftError("HUB_OFFLINE", {
    thing: missing === undefined ? `"${formatModelSpec(spec)}"` : `${missing} of "${formatModelSpec(spec)}"`,
    place: `${why}, and ${list}`,
    remedy: "Fetch it once with the network (HF_HUB_OFFLINE not set), or give a folder that holds the model",
  });
}
