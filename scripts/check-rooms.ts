/**
 * The lint step behind docs/architecture.md: rooms in the order of its table, imports that go up only and through a
 * room's index, `node:` and onnxruntime only where they may be. `tsx scripts/check-rooms.ts`
 */
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export interface RoomReport {
  /** Rooms from the first, which imports none, to the last. */
  readonly rooms: readonly string[];
  readonly files: number;
  /** One line each: file, what it does, what it should do. */
  readonly faults: readonly string[];
}

/** Files of a room that others may import. `node.ts` and `web.ts` are runtime's two doors. */
const usualEntrances = ["index.ts", "index.node.ts"];
const entrances: Readonly<Record<string, readonly string[]>> = {
  runtime: [...usualEntrances, "node.ts", "web.ts"],
};

/** Files beside the rooms: the package's two entries and what they share. They import any room and each other. */
const besideTheRooms = ["node.ts", "browser.ts", "library.ts", "open-source.ts", "open-model.node.ts", "embedded.ts"];

/** Files outside runtime/ that import ONNX Runtime. The demo shows that an exported file needs nothing of graft's. */
const runtimeImporters = ["cli/plain-session.ts"];

/** The room that may import the package's Node entry, and Node's modules: it is a user of the library. */
const userOfTheLibrary = "cli";

/** Check every source file below `root`/src against the table in `root`/docs/architecture.md. */
export function checkRooms(root: string): RoomReport {
  const rooms = roomsIn(readFileSync(join(root, "docs/architecture.md"), "utf8"));
  const src = join(root, "src");
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => posix.relative(src, posix.join(entry.parentPath, entry.name)))
    .sort();
  const faults = [
    ...(rooms.length === 0
      ? ["docs/architecture.md: its table names no room; the check reads rows such as | `base/` |"]
      : []),
    ...(files.length === 0 ? ["src/: holds no TypeScript file; there is nothing to check"] : []),
    ...roomFaults(rooms, files),
    ...files.flatMap((file) => importsOf(join(src, file)).flatMap((name) => importFaults(rooms, file, name))),
  ];
  return { rooms, files: files.length, faults };
}

/** The first column of the table's rows: | `base/` | … */
function roomsIn(markdown: string): string[] {
  return [...markdown.matchAll(/^\| `([a-z-]+)\/` \|/gm)].map((match) => match[1]!);
}

/** The table and the folders name the same rooms, and each has an index. */
function roomFaults(rooms: readonly string[], files: readonly string[]): string[] {
  const folders = new Set(files.filter((file) => file.includes("/")).map(roomOf));
  return [
    ...rooms
      .filter((room) => !folders.has(room))
      .map((room) => `docs/architecture.md: room "${room}" has no file in src/${room}/; write it or drop its row`),
    ...[...folders]
      .filter((room) => !rooms.includes(room))
      .map((room) => `src/${room}/: not a room of docs/architecture.md; add a row where it belongs in the order`),
    ...rooms
      .filter(
        (room) => folders.has(room) && !files.some((file) => doors(room).some((door) => file === `${room}/${door}`)),
      )
      .map((room) => `src/${room}/: has no index.ts; a room is known by its index`),
    ...files
      .filter((file) => !file.includes("/") && !besideTheRooms.includes(file))
      .map((file) => `src/${file}: stands beside the rooms; only ${besideTheRooms.join(", ")} may`),
  ];
}

/** Every module a file imports: static, type-only, re-exported and dynamic alike. */
function importsOf(path: string): string[] {
  return ts.preProcessFile(readFileSync(path, "utf8"), true, true).importedFiles.map(({ fileName }) => fileName);
}

function importFaults(rooms: readonly string[], file: string, name: string): string[] {
  const isTest = /\.test\.ts$/.test(file);
  const fault = (why: string) => [`src/${file}: imports "${name}"; ${why}`];
  if (!name.startsWith(".")) {
    if (isTest) return [];
    if (isBuiltin(name) && !isNodeFile(file))
      return fault("only node.ts, runtime/node.ts, *.node.ts and cli/ may use Node's modules");
    if (/^onnxruntime-/.test(name) && roomOf(file) !== "runtime" && !runtimeImporters.includes(file))
      return fault("only runtime/ knows ONNX Runtime");
    return [];
  }
  const target = posix.normalize(posix.join(posix.dirname(file), name));
  // Outside src: package.json is fine, code is not.
  if (target.startsWith("../")) return isTest || target.endsWith(".json") ? [] : fault("it lies outside src/");
  if (!isTest && isNodeFile(target) && !isNodeFile(file))
    return fault("that file needs Node, and this one must run in a browser");
  if (!target.includes("/")) {
    const allowed = !file.includes("/") || (roomOf(file) === userOfTheLibrary && target === "node.ts");
    return allowed || isTest ? [] : fault("rooms do not import what stands beside them");
  }
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to && file.includes("/")) return [];
  // Generated code is a format's definition, which tests may use to write files without our writer.
  if (isTest && target.includes("/gen/")) return [];
  if (!doors(to).includes(target.slice(to.length + 1))) return fault(`go through src/${to}/index.ts`);
  if (!file.includes("/")) return [];
  // A test may look down, e.g. run its graph in the runtime.
  if (!isTest && rooms.indexOf(to) > rooms.indexOf(from))
    return fault(`${to}/ stands below ${from}/ in docs/architecture.md`);
  return [];
}

/** May this file, given below src/, import Node's modules? */
function isNodeFile(file: string): boolean {
  return /\.node\.ts$/.test(file) || ["node.ts", "runtime/node.ts"].includes(file) || roomOf(file) === userOfTheLibrary;
}

function roomOf(file: string): string {
  return file.split("/")[0]!;
}

function doors(room: string): readonly string[] {
  return entrances[room] ?? usualEntrances;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rooms, files, faults } = checkRooms(join(dirname(fileURLToPath(import.meta.url)), ".."));
  for (const fault of faults) console.error(fault);
  console.log(`rooms: ${files} files in ${rooms.length} rooms, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
