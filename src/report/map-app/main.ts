import { edgeKind } from "../../adapters/index.ts";
import type { MapView } from "../map-page.ts";

/** What a scores page does beyond showing: cells that answer to pointer and keys, and a choice of colours. */

const view = JSON.parse(document.getElementById("view")!.textContent) as MapView;
const n = view.matrix.length;
const frame = document.getElementById("map")!;
const map = frame.querySelector<SVGGElement>("g.map")!;
const cell = Number(map.dataset.cell);
const readout = document.getElementById("readout")!;
const sorted = view.matrix
  .flat()
  .filter((value) => value !== null)
  .sort((a, b) => b - a);

const cursors = ["cursor under", "cursor"].map((name) => {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("class", name);
  for (const side of ["width", "height"]) rect.setAttribute(side, String(cell + 1));
  return rect;
});

/** Where the keys are, by row and column; the pointer may be elsewhere for a while. */
let at: readonly [row: number, column: number] | undefined;

function show([row, column]: readonly [number, number]): void {
  for (const rect of cursors) {
    rect.setAttribute("x", String(column * cell - 1));
    rect.setAttribute("y", String(row * cell - 1));
    map.append(rect);
  }
  const [from, to] = [view.states[row]!, view.states[column]!];
  const value = view.matrix[row]![column]!;
  const order = view.chosen.indexOf(`${from}-${to}`) + 1;
  readout.textContent = [
    `${from} → ${to}`,
    edgeKind({ from, to }),
    `reads ${view.names[row]}, adds to ${view.names[column]}`,
    `${view.scoreName} ${value === null ? "not measured" : `${value}, ${sorted.indexOf(value) + 1}. of ${sorted.length}`}`,
    ...(order > 0 ? [`chosen as ${order}.`] : []),
  ].join(" · ");
}

function rest(): void {
  if (at) show(at);
  else {
    for (const rect of cursors) rect.remove();
    readout.textContent = "\u00a0";
  }
}

function underPointer(event: MouseEvent): readonly [number, number] | undefined {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM()!.inverse());
  const [row, column] = [Math.floor(point.y / cell), Math.floor(point.x / cell)];
  return row >= 0 && column >= 0 && row < n && column < n ? [row, column] : undefined;
}

frame.addEventListener("pointermove", (event) => {
  const found = underPointer(event);
  if (found) show(found);
  else rest();
});
frame.addEventListener("pointerleave", rest);
frame.addEventListener("click", (event) => {
  at = underPointer(event) ?? at;
  rest();
});

const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -n],
  End: [0, n],
};
frame.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  const inside = (k: number) => Math.min(n - 1, Math.max(0, k));
  at = at ? [inside(at[0] + step[0]), inside(at[1] + step[1])] : [0, 0];
  show(at);
});
frame.addEventListener("focus", () => {
  at ??= [0, 0];
  show(at);
});

for (const button of document.querySelectorAll<HTMLElement>("[data-edge]")) {
  button.addEventListener("click", () => {
    const [from, to] = button.dataset.edge!.split("-").map((state) => view.states.indexOf(Number(state)));
    at = [from!, to!];
    show(at);
    frame.scrollIntoView({ block: "nearest" });
  });
}

const themes = document.getElementById("themes")!;
const choices = { system: "light dark", light: "light", dark: "dark" };
for (const [name, scheme] of Object.entries(choices)) {
  const button = document.createElement("button");
  button.textContent = name;
  button.setAttribute("aria-pressed", String(name === "system"));
  button.addEventListener("click", () => {
    document.documentElement.style.colorScheme = scheme;
    for (const other of themes.children) other.setAttribute("aria-pressed", String(other === button));
  });
  themes.append(button);
}
