import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeModel {
  /** Content by path. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** 40 hexadecimal digits. */
  readonly commit: string;
  /** Answered to everything about this model instead. */
  readonly refuse?: { readonly status: number; readonly code?: string };
}

/** What the server saw of a request. */
export interface Seen {
  readonly host: "hub" | "store";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** How a file is sent the next time; taken off the list then. */
export type Fault =
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "stall"; readonly after: number }
  /** Stops until another request of the file is told to meet it, then both go on. */
  | { readonly kind: "meet"; readonly after: number; readonly by: Meeting }
  | { readonly kind: "flip" }
  | { readonly kind: "extra" }
  | { readonly kind: "whole" };

/** Of two requests that wait for each other. */
export interface Meeting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  waiting: number;
}

export interface FakeHub {
  readonly url: string;
  readonly seen: Seen[];
  readonly models: Record<string, FakeModel>;
  /** By path of the file. */
  readonly faults: Record<string, Fault[]>;
  /** Answers so many requests with this status before it behaves. */
  busy: { status: number; times: number };
  /** Files of a listing's page; the rest follows by a Link header. */
  pageSize: number;
  close(): Promise<void>;
}

/** Files as big as this are "LFS" ones: named by SHA-256, and sent by another host. */
const BIG = 1000;

/**
 * A server on the loopback that speaks the part of the Hugging Face hub's API that fetching a model needs, as its public
 * documentation and recorded answers describe it: revision, tree, resolve with redirects to a store, ranges, HEAD.
 */
export async function startHub(models: Record<string, FakeModel>): Promise<FakeHub> {
  const hub: FakeHub = { url: "", seen: [], models, faults: {}, busy: { status: 0, times: 0 }, pageSize: 1000, close };
  const store = createServer((request, response) => answerStore(hub, request, response));
  const main = createServer((request, response) => answerHub(hub, addressOf(store), request, response));
  await Promise.all([store, main].map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  async function close() {
    for (const server of [main, store]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }
  return Object.assign(hub, { url: addressOf(main) });
}

export const gitSha1 = (content: string | Uint8Array): string =>
  createHash("sha1")
    .update(`blob ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest("hex");

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

export function meeting(): Meeting {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve, waiting: 0 };
}

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function note(hub: FakeHub, host: Seen["host"], { url = "", headers }: IncomingMessage): void {
  hub.seen.push({ host, path: url, range: headers.range, authorization: headers.authorization });
}

function answerHub(hub: FakeHub, store: string, request: IncomingMessage, response: ServerResponse): void {
  note(hub, "hub", request);
  const url = new URL(request.url ?? "/", hub.url);
  if (hub.busy.times > 0) {
    hub.busy.times--;
    refuse(response, hub.busy.status);
    return;
  }
  const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
  const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  const model = hub.models[api?.[1] ?? file?.[1] ?? ""];
  if (!model) {
    refuse(response, 404, "RepoNotFound");
    return;
  }
  if (model.refuse) {
    refuse(response, model.refuse.status, model.refuse.code);
    return;
  }
  if (!["main", model.commit].includes(decodeURIComponent(api?.[3] ?? file?.[2] ?? ""))) {
    refuse(response, 404, "RevisionNotFound");
    return;
  }
  if (api?.[2] === "revision") {
    json(response, { _id: "1", id: api[1], sha: model.commit, lastModified: "2026-01-01" });
    return;
  }
  if (api) {
    tree(hub, model, url, response);
    return;
  }
  const path = decodeURIComponent(file?.[3] ?? "");
  const content = model.files[path];
  if (content === undefined) {
    refuse(response, 404, "EntryNotFound");
    return;
  }
  response.setHeader("x-repo-commit", model.commit);
  if (Buffer.byteLength(content) < BIG) {
    response.setHeader("etag", `"${gitSha1(content)}"`);
    send(hub, path, Buffer.from(content), request, response);
    return;
  }
  response.setHeader("x-linked-etag", `"${sha256(content)}"`);
  response.setHeader("x-linked-size", Buffer.byteLength(content));
  response.writeHead(302, { location: `${store}/${file?.[1]}/${path}` }).end();
}

function answerStore(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  note(hub, "store", request);
  const [, org, name, ...path] = (request.url ?? "").split("/");
  const file = path.join("/");
  send(hub, file, Buffer.from(hub.models[`${org}/${name}`]!.files[file]!), request, response);
}

function tree(hub: FakeHub, { files }: FakeModel, url: URL, response: ServerResponse): void {
  const entries = Object.entries(files).map(([path, content]) => {
    const size = Buffer.byteLength(content);
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(content)}\nsize ${size}\n`;
    const lfs = { oid: sha256(content), size, pointerSize: pointer.length };
    return { type: "file", path, size, oid: gitSha1(size < BIG ? content : pointer), ...(size >= BIG && { lfs }) };
  });
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const next = from + hub.pageSize;
  if (next < entries.length) {
    const more = new URL(url);
    more.searchParams.set("cursor", String(next));
    response.setHeader("link", `<${more}>; rel="next"`);
  }
  const folders = from === 0 ? [{ type: "directory", path: "onnx", size: 0, oid: gitSha1("onnx") }] : [];
  json(response, [...folders, ...entries.slice(from, next)]);
}

function send(hub: FakeHub, path: string, content: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const fault = hub.faults[path]?.shift();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const partial = from > 0 && fault?.kind !== "whole";
  let body = partial ? content.subarray(from) : content;
  if (fault?.kind === "flip") body = Buffer.from(body.map((byte, k) => (k === 3 ? byte ^ 1 : byte)));
  if (fault?.kind === "extra") body = Buffer.concat([body, Buffer.from("!")]);
  response.setHeader("content-length", body.length);
  response.setHeader("accept-ranges", "bytes");
  if (partial) response.setHeader("content-range", `bytes ${from}-${content.length - 1}/${content.length}`);
  response.writeHead(partial ? 206 : 200);
  if (request.method === "HEAD") response.end();
  else if (fault?.kind === "cut") response.write(body.subarray(0, fault.after), () => response.destroy());
  else if (fault?.kind === "meet") {
    response.write(body.subarray(0, fault.after));
    if (++fault.by.waiting === 2) fault.by.resolve();
    void fault.by.promise.then(() => response.end(body.subarray(fault.after)));
  } else if (fault?.kind === "stall") response.write(body.subarray(0, fault.after));
  else response.end(body);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code?: string): void {
  if (code) response.setHeader("x-error-code", code);
  response.writeHead(status, { "content-type": "application/json" }).end('{"error":"refused"}');
}
