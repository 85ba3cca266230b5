import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { didYouMean, GraftError, type LongCall } from "../base/index.ts";
import { cachedModels, type HubFile, isCommit, type ModelCache, modelCache } from "./cache.node.ts";
import { download } from "./download.node.ts";
import { type HubClient, hubClient } from "./hub-client.node.ts";
import { offlineError } from "./hub-errors.ts";
import { formatModelSpec, type ModelSpec, parseModelSpec } from "./model-spec.ts";
import { type PickedFiles, pickFiles } from "./pick-files.ts";
import { type HubSettings, hubSettings } from "./settings.node.ts";

export interface FetchOptions extends LongCall {
  /** Kind of ONNX file, as Transformers.js names them (`fp32`, `fp16`, `q8`, …), or a file's own name; default the best. */
  readonly variant?: string;
  /**
   * Called with the content of config.json before safetensors are fetched, where there is no ONNX file; throws if no graph
   * can be made of such a model, so that its weights are not fetched in vain.
   */
  readonly checkConfig?: (config: unknown) => void;
  /** Default: the environment's, `hubSettings()`. */
  readonly settings?: HubSettings;
}

export interface FetchedModel {
  /** Absolute path of the commit's folder in the cache, laid out as on the hub. */
  readonly folder: string;
  /** 40 hexadecimal digits. `hf:org/name@<commit>` names these very files for ever. */
  readonly commit: string;
  /** Absolute path of the ONNX file; undefined if the model is to be authored from its safetensors. */
  readonly onnx: string | undefined;
  /** What was needed, paths below the folder. */
  readonly files: readonly string[];
  /** Lines for the user: which ONNX file was taken, that the network was missing. */
  readonly notes: readonly string[];
}

/**
 * Get a model of the Hugging Face hub: what graft needs of it is fetched into the cache shared with Python, unless it is
 * there. Works without network once it was fetched. Progress has the phase `download`, in bytes.
 * @param source  `hf:org/name[@revision]`
 * @throws GraftError HUB_SPEC, HUB_ACCESS, HUB_NOT_FOUND, HUB_NETWORK, HUB_OFFLINE, HUB_STATUS, HUB_CHECKSUM, ONNX_VARIANT, MODEL_NOT_FOUND,
 *         FILE_*; the signal's reason when aborted, and the next call goes on where this one stopped
 */
export async function fetchModel(source: string, options: FetchOptions = {}): Promise<FetchedModel> {
  const spec = parseModelSpec(source);
  const settings = options.settings ?? (await hubSettings());
  const cache = modelCache(settings.cache, spec.repo);
  const hint = async () => didYouMean(spec.repo, await cachedModels(settings.cache));
  const client = settings.offline ? undefined : hubClient(spec, settings, { signal: options.signal, hint });
  const place = formatModelSpec(spec);
  const at = await resolve(spec, settings, cache, client);
  const picked = at.client
    ? pickFiles(pathsOf(at.files), { variant: options.variant, place })
    : await pickKept(spec, settings, cache, at, options.variant);

  const get = async (wanted: readonly string[]) => {
    const files = at.files.filter(({ path }) => wanted.includes(path));
    await getAll(files, {
      settings,
      cache,
      client: at.client,
      commit: at.commit,
      signal: options.signal,
      onProgress: options.onProgress,
    });
  };
  const folder = cache.snapshot(at.commit);
  if (picked.onnx === undefined && options.checkConfig) {
    await get(["config.json"]);
    options.checkConfig(await readJson(join(folder, "config.json"), place));
  }
  await get([...picked.settings, ...picked.weights]);
  if (at.client && !isCommit(spec.revision)) await cache.writeRef(spec.revision, at.commit);
  return { folder, commit: at.commit, ...result(picked, folder), notes: [...at.notes, ...picked.notes] };
}

const pathsOf = (files: readonly HubFile[]) => files.map(({ path }) => path);

/** Without network: pick from what is kept, which must be whole. */
async function pickKept(
  spec: ModelSpec,
  { cache: folder }: HubSettings,
  cache: ModelCache,
  { commit, files, why = "" }: Resolved,
  variant: string | undefined,
): Promise<PickedFiles> {
  const kept = pathsOf(files);
  const place = `what is kept of ${formatModelSpec(spec)}`;
  const refuse = (missing?: string) => offlineError(spec, { why, kept, missing, cache: folder });
  if (!kept.some((path) => /\.(onnx|safetensors)$/.test(path))) throw refuse("the weights");
  const picked = pickFiles(kept, { variant, place });
  const listed = await cache.readListing(commit);
  if (!listed) return picked;
  const whole = pickFiles(pathsOf(listed), { variant: picked.onnx, place });
  const missing = whole.onnx === picked.onnx && whole.weights.find((path) => !kept.includes(path));
  if (missing) throw refuse(missing);
  return picked;
}

const result = ({ onnx, settings, weights }: PickedFiles, folder: string) => ({
  onnx: onnx === undefined ? undefined : join(folder, onnx),
  files: [...settings, ...weights],
});

interface Resolved {
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** Undefined where there is no network; `why` says why. */
  readonly client: HubClient | undefined;
  readonly why: string | undefined;
  readonly notes: readonly string[];
}

/** Which commit, and which files it has. A commit named in full whose files are known is not asked about. */
async function resolve(
  spec: ModelSpec,
  settings: HubSettings,
  cache: ModelCache,
  client: HubClient | undefined,
): Promise<Resolved> {
  if (!client) return fromCache(spec, settings, cache, "HF_HUB_OFFLINE is set");
  try {
    const commit = isCommit(spec.revision) ? spec.revision : await client.commit();
    const known = await cache.readListing(commit);
    const files = known ?? (await client.files(commit));
    if (!known) await cache.writeListing(commit, files);
    return { commit, files, client, why: undefined, notes: [] };
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== "HUB_NETWORK") throw error;
    const kept = await fromCache(spec, settings, cache, error.place);
    const note = `${error.place}: using what is kept of commit ${kept.commit.slice(0, 8)}`;
    return { ...kept, notes: [note] };
  }
}

/** What is kept, with or without the listing that tells what else there would be. */
async function fromCache(spec: ModelSpec, settings: HubSettings, cache: ModelCache, why: string): Promise<Resolved> {
  const commit = isCommit(spec.revision) ? spec.revision : await cache.readRef(spec.revision);
  const kept = commit === undefined ? [] : await cache.kept(commit);
  if (commit === undefined || kept.length === 0) throw offlineError(spec, { why, kept, cache: settings.cache });
  const files = kept.map((path) => ({ path, size: -1, etag: "" }));
  return { commit, files, client: undefined, why, notes: [] };
}

interface GetAll extends LongCall {
  readonly settings: HubSettings;
  readonly cache: ModelCache;
  readonly client: HubClient | undefined;
  readonly commit: string;
}

/** Fetch what the cache lacks, small files first. */
async function getAll(files: readonly HubFile[], call: GetAll): Promise<void> {
  const { settings, cache, client, commit, signal, onProgress } = call;
  // Without network the list is what is kept.
  if (!client) return;
  const lacking: HubFile[] = [];
  for (const file of files) if (!(await cache.has(commit, file))) lacking.push(file);
  lacking.sort((a, b) => a.size - b.size);
  const total = lacking.reduce((sum, { size }) => sum + size, 0);
  const report = steadily((done) => onProgress?.({ phase: "download", done, total, unit: "bytes" }), total);
  let finished = 0;
  for (const file of lacking) {
    await download({
      file,
      target: cache.blob(file.etag),
      read: (from) => client.read(commit, file.path, from),
      pauses: settings.pauses,
      signal,
      onBytes: (done) => report(finished + done),
    });
    await cache.link(commit, file);
    finished += file.size;
  }
}

/** At most some hundred reports, the last one among them. */
function steadily(report: (done: number) => void, total: number): (done: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (done) => {
    if (done < total && done >= last && done - last < total / 200) return;
    last = done;
    report(done);
  };
}

async function readJson(path: string, place: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new GraftError("CONFIG", {
      thing: `config.json of ${place}`,
      place: "it is not JSON",
      remedy: "Choose another revision",
      cause,
    });
  }
}
