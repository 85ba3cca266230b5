import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeHub, gitSha1, meeting, sha256, startHub } from "../../test/support/hub-server.ts";
import { type Progress, random } from "../base/index.ts";
import { fetchModel, hubSettings } from "./index.node.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const LATER = "fedcba9876543210fedcba9876543210fedcba98";
const draw = random(5);
const weights = (size: number) => Uint8Array.from({ length: size }, () => draw.int(256));
const model = weights(300_000);
const half = weights(5_000);
const config = '{"model_type": "bert"}\n';
const files = {
  "README.md": "# a model",
  "config.json": config,
  "tokenizer.json": "{}",
  "onnx/model.onnx": model,
  "onnx/model_fp16.onnx": half,
  "pytorch_model.bin": weights(2_000),
};
const NEEDED = ["config.json", "tokenizer.json", "onnx/model.onnx"];
const SOURCE = "hf:org/name";

let hub: FakeHub;
let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "graft-hub-"));
  hub = await startHub({ "org/name": { commit: COMMIT, files } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await hub.close();
  await rm(cache, { recursive: true });
});

const settings = (changes = {}) => ({
  cache,
  endpoint: hub.url,
  token: undefined,
  offline: false,
  pauses: [0, 0],
  ...changes,
});
const get = (options: Parameters<typeof fetchModel>[1] = {}, source = SOURCE) =>
  fetchModel(source, { settings: settings(), ...options });
const fails = (options?: Parameters<typeof fetchModel>[1], source?: string) =>
  get(options, source).then(
    () => expect.unreachable("it was fetched"),
    (error: unknown) => error,
  );
const inCache = (...parts: string[]) => join(cache, "models--org--name", ...parts);
const sent = () => hub.seen.filter(({ host, path }) => host === "store" || path.includes("/resolve/"));
const startOf = (range: string) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
const downloads = (path: string) => hub.seen.filter((seen) => seen.host === "store" && seen.path.endsWith(path));

test("what is needed is fetched into the layout that Python reads", async () => {
  const printed = (["log", "debug", "info"] as const).map((method) => vi.spyOn(console, method));
  const progress: Progress[] = [];
  const found = await get({ onProgress: (report) => progress.push(report) });
  expect(found).toEqual({
    folder: inCache("snapshots", COMMIT),
    commit: COMMIT,
    onnx: inCache("snapshots", COMMIT, "onnx", "model.onnx"),
    files: NEEDED,
    notes: ["took onnx/model.onnx (fp32); there are also fp16"],
  });
  expect(sha256(await readFile(found.onnx!))).toBe(sha256(model));
  // As the library's documentation draws it: links into blobs named by their ETag, refs that hold a commit.
  expect(await readlink(found.onnx!)).toBe(`../../../blobs/${sha256(model)}`);
  expect(await readlink(join(found.folder, "config.json"))).toBe(`../../blobs/${gitSha1(config)}`);
  expect(await readFile(inCache("refs", "main"), "utf8")).toBe(COMMIT);
  expect((await readdir(inCache("blobs"))).sort()).toEqual([gitSha1(config), gitSha1("{}"), sha256(model)].sort());
  expect(await readdir(join(found.folder, "onnx"))).toEqual(["model.onnx"]);

  const total = config.length + "{}".length + model.length;
  expect(progress.at(-1)).toEqual({ phase: "download", done: total, total, unit: "bytes" });
  const done = progress.map((report) => report.done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(done.length).toBeGreaterThan(2);
  for (const spy of printed) expect(spy).not.toHaveBeenCalled();
});

test("git's own name of a small file is known by heart", () => {
  expect(gitSha1("hello\n")).toBe("ce013625030ba8dba906f756967f9e9ca394464a"); // echo hello | git hash-object --stdin
});

describe("what is there", () => {
  test("is asked about once, and a commit not at all", async () => {
    const first = await get();
    hub.seen.length = 0;
    expect(await get()).toEqual(first);
    expect(hub.seen.map(({ path }) => path.split("?")[0])).toEqual(["/api/models/org/name/revision/main"]);
    hub.seen.length = 0;
    expect(await get({}, `${SOURCE}@${COMMIT}`)).toEqual(first);
    expect(hub.seen).toEqual([]);
  });

  test("works with HF_HUB_OFFLINE, and says so when the network is gone", async () => {
    const first = await get();
    hub.seen.length = 0;
    expect(await get({ settings: settings({ offline: true }) })).toMatchObject({ onnx: first.onnx, commit: COMMIT });
    expect(hub.seen).toEqual([]);
    await hub.close();
    const found = await get();
    expect(found).toMatchObject({ folder: first.folder, onnx: first.onnx, files: first.files });
    expect(found.notes[0]).toMatch(/cannot be reached \(ECONNREFUSED\): using what is kept of commit 01234567/);
  });

  test("may have come from Python", async () => {
    await get();
    await rm(inCache(".graft"), { recursive: true });
    expect(await get({ settings: settings({ offline: true }) })).toMatchObject({ commit: COMMIT, files: NEEDED });
    await get();
    expect(downloads("model.onnx")).toHaveLength(1);
  });

  test("is completed by another variant, and stays when main moves on", async () => {
    await get();
    expect((await get({ variant: "fp16" })).onnx).toBe(inCache("snapshots", COMMIT, "onnx", "model_fp16.onnx"));
    hub.models["org/name"] = { commit: LATER, files: { ...files, "config.json": "{}" } };
    expect((await get()).commit).toBe(LATER);
    expect(downloads("/model.onnx")).toHaveLength(1); // the same blob
    expect(await readFile(inCache("snapshots", LATER, "config.json"), "utf8")).toBe("{}");
    expect((await get({}, `${SOURCE}@${COMMIT}`)).commit).toBe(COMMIT);
    expect(await readFile(inCache("snapshots", COMMIT, "config.json"), "utf8")).toBe(config);
  });
});

describe("an interruption", () => {
  test("of the connection is mended: the rest is asked for", async () => {
    hub.faults["onnx/model.onnx"] = [
      { kind: "cut", after: 100_000 },
      { kind: "cut", after: 50_000 },
    ];
    const { onnx } = await get();
    expect(sha256(await readFile(onnx!))).toBe(sha256(model));
    // A part of what was sent may be lost with the connection.
    const [first, second, third, ...more] = downloads("/model.onnx").map(({ range }) => range && startOf(range));
    expect([first, more]).toEqual([undefined, []]);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThanOrEqual(100_000);
    expect(third).toBeGreaterThan(second as number);
  });

  test("that stays is an error that says what is kept, and the next call goes on", async () => {
    hub.faults["onnx/model.onnx"] = [{ kind: "cut", after: 100_000 }, ...Array(2).fill({ kind: "cut", after: 0 })];
    expect(await fails()).toMatchObject({
      code: "HUB_NETWORK",
      message: expect.stringMatching(/onnx\/model\.onnx: the connection broke; 1 MB of 1 MB are kept\. Run it again/),
    });
    expect(existsSync(inCache("refs", "main"))).toBe(false);
    const { size } = await stat(inCache("blobs", `${sha256(model)}.graft.incomplete`));
    expect(size).toBeGreaterThan(0);
    const progress: Progress[] = [];
    await get({ onProgress: (report) => progress.push(report) });
    expect(downloads("/model.onnx").at(-1)?.range).toBe(`bytes=${size}-`);
    expect(progress[0]).toMatchObject({ done: size, total: model.length });
  });

  test("by the caller ends at once, and the next call goes on", async () => {
    hub.faults["onnx/model.onnx"] = [{ kind: "stall", after: 120_000 }];
    const stop = new AbortController();
    const onProgress = ({ done }: Progress) => done > 120_000 && stop.abort(new Error("enough"));
    expect(await fails({ signal: stop.signal, onProgress })).toMatchObject({ message: "enough" });
    const { onnx } = await get();
    expect(sha256(await readFile(onnx!))).toBe(sha256(model));
    expect(downloads("/model.onnx")[1]?.range).toBe("bytes=120000-");
  });

  test("is survived where the server knows no ranges", async () => {
    hub.faults["onnx/model.onnx"] = [{ kind: "cut", after: 100_000 }, { kind: "whole" }];
    expect(sha256(await readFile((await get()).onnx!))).toBe(sha256(model));
  });

  test("before the weights leaves nothing to work with offline", async () => {
    hub.models["org/name"] = { commit: COMMIT, files: { ...files, "onnx/model.onnx_data": weights(400_000) } };
    hub.faults["onnx/model.onnx_data"] = Array(3).fill({ kind: "cut", after: 0 });
    await fails();
    const offline = settings({ offline: true });
    expect(await fails({ settings: offline }, `${SOURCE}@${COMMIT}`)).toMatchObject({
      code: "HUB_OFFLINE",
      message: expect.stringMatching(
        /^onnx\/model\.onnx_data of "hf:org\/name@0123.*kept in .* config\.json, onnx\/model\.onnx/,
      ),
    });
  });
});

test.each([
  ["another content", { kind: "flip" }, /its content is not what the hub lists; nothing of it was kept/],
  ["more content", { kind: "extra" }, /more than the 300000 bytes listed/],
] as const)("%s than was listed is refused, and nothing of it is kept", async (_, fault, message) => {
  hub.faults["onnx/model.onnx"] = [fault];
  expect(await fails()).toMatchObject({ code: "HUB_CHECKSUM", message: expect.stringMatching(message) });
  expect((await readdir(inCache("blobs"))).sort()).toEqual([gitSha1(config), gitSha1("{}")].sort());
  expect(existsSync(inCache("snapshots", COMMIT, "onnx"))).toBe(false);
  await get();
});

test("a small file is checked by git's hash", async () => {
  hub.faults["config.json"] = [{ kind: "flip" }];
  expect(await fails()).toMatchObject({ code: "HUB_CHECKSUM", thing: "config.json" });
});

describe("refusals", () => {
  const refused = (status: number, code?: string) => {
    hub.models["org/name"] = { commit: COMMIT, files: {}, refuse: { status, ...(code && { code }) } };
  };
  const token = "secret";

  test.each([
    [401, "GatedRepo", undefined, "HUB_ACCESS", /^"hf:org\/name": it is gated.*set HF_TOKEN/],
    [403, "GatedRepo", token, "HUB_ACCESS", /it is gated.*with the account the token belongs to/],
    [
      401,
      "RepoNotFound",
      undefined,
      "HUB_ACCESS",
      /no such model, or it is private.*Check organisation and name.*HF_TOKEN/,
    ],
    [401, undefined, token, "HUB_ACCESS", /does not accept the token/],
    [403, undefined, token, "HUB_ACCESS", /does not let you read it/],
    [404, "RepoNotFound", token, "HUB_NOT_FOUND", /has no such model\. Check organisation and name/],
    [404, "RevisionNotFound", undefined, "HUB_NOT_FOUND", /it has no revision "main"/],
    [418, undefined, undefined, "HUB_STATUS", /answered with status 418\. Check HF_ENDPOINT/],
  ])("%i %s with token %s", async (status, code, token, expected, message) => {
    refused(status, code);
    const error = await fails({ settings: settings({ token }) });
    expect(error).toMatchObject({ code: expected, message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("secret");
    expect(existsSync(inCache())).toBe(false);
  });

  test("a name without organisation, or like one that is kept, gets a hint", async () => {
    expect(await fails({}, "hf:all-MiniLM-L6-v2")).toMatchObject({
      code: "HUB_NOT_FOUND",
      message: expect.stringMatching(
        /has no such model\. Most models have an organisation: hf:org\/all-MiniLM-L6-v2, e\.g\. hf:Xenova\//,
      ),
    });
    await get();
    expect(await fails({}, "hf:org/nmae")).toMatchObject({
      message: expect.stringMatching(/did you mean "org\/name"\?/),
    });
  });

  test("an unknown revision", async () => {
    expect(await fails({}, `${SOURCE}@v9`)).toMatchObject({
      message: expect.stringMatching(/it has no revision "v9"/),
    });
  });

  test("a hub that is busy is asked again, and an answer of another kind is said", async () => {
    hub.busy = { status: 503, times: 2 };
    await get();
    hub.busy = { status: 500, times: 3 };
    expect(await fails()).toMatchObject({
      code: "HUB_STATUS",
      message: expect.stringMatching(/status 500\. Try again later/),
    });
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("<html>log in</html>"));
    expect(await fails()).toMatchObject({ code: "HUB_STATUS", message: expect.stringMatching(/not as a hub does/) });
  });

  test.each([
    ["the network", {}, /cannot be reached \(ECONNREFUSED\), and nothing of it is kept/],
    ["permission to use it", { offline: true }, /HF_HUB_OFFLINE is set, and nothing of it is kept/],
  ])("without %s what is kept is named", async (_, changes, message) => {
    await hub.close();
    expect(await fails({ settings: settings(changes) })).toMatchObject({
      code: "HUB_OFFLINE",
      message: expect.stringMatching(message),
    });
  });

  test("offline another variant than the one kept is refused by name", async () => {
    await get();
    expect(await fails({ variant: "fp16", settings: settings({ offline: true }) })).toMatchObject({
      code: "ONNX_VARIANT",
      message: expect.stringMatching(/"fp16": what is kept of hf:org\/name has no such ONNX file.*fp32/),
    });
  });

  test("a variant that does not exist costs no download", async () => {
    expect(await fails({ variant: "q4" })).toMatchObject({ code: "ONNX_VARIANT" });
    expect(sent()).toEqual([]);
  });
});

test("the token goes to the hub and to nobody else", async () => {
  await get({ settings: settings({ token: "secret" }) });
  const carriers = hub.seen.filter(({ authorization }) => authorization === "Bearer secret");
  expect(carriers).toEqual(hub.seen.filter(({ host }) => host === "hub"));
  expect(downloads("model.onnx")).toMatchObject([{ authorization: undefined }]);
});

test("a listing in pages is read to its end, and paths that leave the folder are passed over", async () => {
  hub.models["org/name"] = { commit: COMMIT, files: { "../onnx/model.onnx": "no", "onnx/..\\x.onnx": "no", ...files } };
  hub.pageSize = 2;
  expect((await get()).files).toEqual(NEEDED);
});

describe("two calls at once", () => {
  test("fetch a file once", async () => {
    const [a, b] = await Promise.all([get(), get()]);
    expect(a).toEqual(b);
    expect(downloads("model.onnx")).toHaveLength(1);
  });

  test("of two processes do each other no harm", async () => {
    // Another path to the same folder is another process's call to this one, which shares nothing in memory with it.
    const door = `${cache}-door`;
    const by = meeting();
    hub.faults["onnx/model.onnx"] = [
      { kind: "meet", after: 100_000, by },
      { kind: "meet", after: 10_000, by },
    ];
    await symlink(cache, door);
    try {
      const [a, b] = await Promise.all([get(), get({ settings: settings({ cache: door }) })]);
      for (const { onnx } of [a, b]) expect(sha256(await readFile(onnx!))).toBe(sha256(model));
    } finally {
      await rm(door);
    }
    expect(downloads("model.onnx")).toHaveLength(2);
    expect((await readdir(inCache("blobs"))).filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  test("go on where one is aborted", async () => {
    hub.faults["onnx/model.onnx"] = [{ kind: "stall", after: 100_000 }];
    const stop = new AbortController();
    const second: Promise<unknown>[] = [];
    const onProgress = ({ done }: Progress) => {
      if (done < 100_000) return;
      second.push(get());
      setTimeout(() => stop.abort(new Error("enough")), 50);
    };
    expect(await fails({ signal: stop.signal, onProgress })).toMatchObject({ message: "enough" });
    expect(await second[0]).toMatchObject({ files: NEEDED });
    expect(sha256(await readFile(inCache("blobs", sha256(model))))).toBe(sha256(model));
  });
});

describe("a full disk", () => {
  test("is foreseen", async () => {
    const tree = [
      {
        type: "file",
        path: "model.onnx",
        size: 2 ** 50,
        oid: "0".repeat(40),
        lfs: { oid: "0".repeat(64), size: 2 ** 50 },
      },
    ];
    const answers = [{ id: "org/name", sha: COMMIT, lastModified: "2026-01-01" }, tree];
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(answers.shift()));
    expect(await fails()).toMatchObject({
      code: "FILE_DISK_FULL",
      message: expect.stringMatching(
        /model\.onnx takes 1,125,899,907 MB, the disk has .* left\. Free some space, or set HF_HUB_CACHE/,
      ),
    });
  });

  // Linux alone has a device that is always full; elsewhere the test above has to do.
  test.each(existsSync("/dev/full") ? ["/dev/full"] : [])("is told, and what came is removed", async (device) => {
    await mkdir(inCache("blobs"), { recursive: true });
    const partial = inCache("blobs", `${sha256(model)}.graft.incomplete`);
    await symlink(device, partial);
    expect(await fails()).toMatchObject({ code: "FILE_DISK_FULL" });
    expect(await readdir(inCache("blobs"))).not.toContain(`${sha256(model)}.graft.incomplete`);
  });
});

describe("a model without ONNX", () => {
  beforeEach(() => {
    const { "onnx/model.onnx": _, "onnx/model_fp16.onnx": __, ...rest } = files;
    hub.models["org/name"] = { commit: COMMIT, files: { ...rest, "model.safetensors": half } };
  });

  test("comes as safetensors", async () => {
    expect(await get()).toMatchObject({
      onnx: undefined,
      files: ["config.json", "tokenizer.json", "model.safetensors"],
      notes: ["there is no ONNX file: the model is built from model.safetensors"],
    });
  });

  test("is not fetched in vain", async () => {
    const seen: unknown[] = [];
    const checkConfig = (read: unknown) => {
      seen.push(read);
      throw new Error("no such family");
    };
    expect(await fails({ checkConfig })).toMatchObject({ message: "no such family" });
    expect(seen).toEqual([JSON.parse(config)]);
    expect(downloads("model.safetensors")).toEqual([]);
  });
});

describe("the environment", () => {
  const cacheHome = join(homedir(), ".cache", "huggingface");
  test.each([
    [{}, { cache: join(cacheHome, "hub"), endpoint: "https://huggingface.co", offline: false }],
    [{ HF_HOME: "/a" }, { cache: "/a/hub" }],
    [{ XDG_CACHE_HOME: "/x" }, { cache: "/x/huggingface/hub" }],
    [{ HF_HOME: "~/h" }, { cache: join(homedir(), "h", "hub") }],
    [{ HF_HOME: "/a", HF_HUB_CACHE: "/b" }, { cache: "/b" }],
    [{ HUGGINGFACE_HUB_CACHE: "/c" }, { cache: "/c" }],
    [{ HF_ENDPOINT: "https://mirror.example/" }, { endpoint: "https://mirror.example" }],
    [{ HF_HUB_OFFLINE: "1" }, { offline: true }],
    [{ TRANSFORMERS_OFFLINE: "yes" }, { offline: true }],
    [{ HF_HUB_OFFLINE: "0" }, { offline: false }],
    [{ HF_TOKEN: " t " }, { token: "t" }],
    [{ HUGGING_FACE_HUB_TOKEN: "u" }, { token: "u" }],
    [{ HF_TOKEN: "t", HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }, { token: undefined }],
  ])("%o gives %o", async (env, expected) => {
    expect(await hubSettings({ HF_TOKEN_PATH: "/nowhere", ...env })).toMatchObject(expected);
  });

  test("a token may lie in a file", async () => {
    await writeFile(join(cache, "token"), "from-file\n");
    expect((await hubSettings({ HF_HOME: cache })).token).toBe("from-file");
    expect((await hubSettings({ HF_TOKEN_PATH: join(cache, "token") })).token).toBe("from-file");
  });
});
