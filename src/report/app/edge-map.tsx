import { useMemo, useRef, useState } from "preact/hooks";
import { colorAt, hex } from "../color-scale.ts";
import type { TrialView } from "../study-view.ts";
import { rangeOf } from "./numbers.ts";

export interface EdgeMapProps {
  readonly trials: readonly TrialView[];
  readonly states: number;
  readonly metric: string;
  /** `from-to`. */
  readonly chosen: string | undefined;
  readonly onChoose: (edge: string | undefined) => void;
}

/** Every edge as a cell that can be pressed; arrow keys go from cell to cell, so that Tab passes the map in one step. */
export function EdgeMap({ trials, states, metric, chosen, onChoose }: EdgeMapProps) {
  const { values, isSingle } = useMemo(() => edgeValues(trials), [trials]);
  const [low, high] = rangeOf([...values.values()].map(({ mean }) => mean));
  const [at, setAt] = useState<readonly [number, number]>([0, 0]);
  const table = useRef<HTMLTableElement>(null);
  const indices = Array.from({ length: states }, (_, k) => k);
  const go = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const inside = (k: number) => Math.min(states - 1, Math.max(0, k));
    const [from, to] = [inside(at[0] + step[0]), inside(at[1] + step[1])];
    setAt([from, to]);
    table.current?.querySelector<HTMLElement>(`[data-edge="${from}-${to}"]`)?.focus();
  };
  return (
    <section>
      <h2>Edges</h2>
      <p>
        {isSingle
          ? `Colour: ${metric} of the trials with their one adapter on that edge`
          : `Colour: mean ${metric} of the trials that hold the edge, whatever else they hold`}
        . Rows: the state an adapter reads; columns: the state it adds to. Press an edge for its trials.
      </p>
      <div class="scroll">
        <table class="map" ref={table} style={{ "--cell": `${Math.max(9, Math.min(18, Math.floor(480 / states)))}px` }}>
          <thead>
            <tr>
              <td />
              {indices.map((to) => (
                <th key={to} scope="col">
                  {to % 4 === 0 ? to : ""}
                </th>
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={go}>
            {indices.map((from) => (
              <tr key={from}>
                <th scope="row">{from}</th>
                {indices.map((to) => {
                  const edge = `${from}-${to}`;
                  const value = values.get(edge);
                  const text = value ? `${value.mean.toFixed(4)}, ${value.count} trials` : "not tried";
                  return (
                    <td key={to}>
                      <button
                        type="button"
                        data-edge={edge}
                        class={value ? undefined : "none"}
                        style={
                          value && { background: hex(colorAt(high > low ? (value.mean - low) / (high - low) : 0)) }
                        }
                        tabIndex={from === at[0] && to === at[1] ? 0 : -1}
                        aria-pressed={edge === chosen}
                        aria-label={`edge ${edge}: ${text}`}
                        title={`${edge}: ${text}`}
                        onFocus={() => setAt([from, to])}
                        onClick={() => onChoose(edge === chosen ? undefined : edge)}
                      />
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {values.size > 0 && (
        <p>
          {low.toFixed(4)}
          <span class="scale" style={{ background: SCALE }} />
          {high.toFixed(4)}
        </p>
      )}
    </section>
  );
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const SCALE = `linear-gradient(90deg,${[0, 0.2, 0.4, 0.6, 0.8, 1].map((x) => hex(colorAt(x))).join(",")})`;

/** Mean metric of the trials that hold an edge, by edge. */
function edgeValues(trials: readonly TrialView[]) {
  const measured = trials.filter(({ metric, edges }) => metric !== undefined && edges.length > 0);
  const values = new Map<string, { mean: number; count: number }>();
  for (const { edges, metric } of measured)
    for (const edge of edges.map((ends) => ends.join("-"))) {
      const { mean, count } = values.get(edge) ?? { mean: 0, count: 0 };
      values.set(edge, { mean: mean + (metric! - mean) / (count + 1), count: count + 1 });
    }
  return { values, isSingle: measured.every(({ edges }) => edges.length === 1) };
}
