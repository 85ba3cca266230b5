import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GraftError } from "../base/index.ts";
import type { StudyView } from "../report/index.ts";
import { pageOf } from "./study-app.ts";

export interface StudyServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serve a study's page on this machine alone. Requests that name another host are refused: a page of the web whose name
 * was pointed here (DNS rebinding) learns nothing.
 * @param view  the study as it is now; asked at each request
 * @param port  0: any that is free
 * @throws GraftError PORT_TAKEN
 */
export async function serveStudyPage(view: () => StudyView, port: number): Promise<StudyServer> {
  const server = createServer((request, response) => {
    const own = (server.address() as AddressInfo).port;
    try {
      answer(request, response, view, [`127.0.0.1:${own}`, `localhost:${own}`]);
    } catch (error) {
      send(response, 500, "text/plain", error instanceof Error ? error.message : String(error));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  view: () => StudyView,
  hosts: readonly string[],
): void {
  if (!hosts.includes(headers.host ?? "")) send(response, 403, "text/plain", "This page is for 127.0.0.1 alone.\n");
  else if (method !== "GET") send(response, 405, "text/plain", "GET is all there is.\n");
  else if (url === "/") send(response, 200, "text/html", pageOf(view(), { isLive: true }));
  else if (url === "/view.json") sendView(response, view(), headers["if-none-match"]);
  else send(response, 404, "text/plain", "There is / and /view.json.\n");
}

/** The view as JSON, or 304 where the page has it already. */
function sendView(response: ServerResponse, view: StudyView, known: string | undefined): void {
  const body = JSON.stringify(view);
  const tag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  if (known === tag) response.writeHead(304, { ETag: tag }).end();
  else send(response, 200, "application/json", body, { ETag: tag });
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const headers = { "Content-Type": `${type}; charset=utf-8`, "X-Content-Type-Options": "nosniff", ...more };
  response.writeHead(status, { "Cache-Control": "no-store", ...headers }).end(body);
}

const cannotListen = (port: number, error: Error): GraftError =>
  new GraftError("PORT_TAKEN", {
    thing: `port ${port} of 127.0.0.1`,
    place: error.message,
    remedy: "Choose another with `--port`; 0 takes any that is free",
  });
