import { describe, expect, test } from "vitest";
import { random } from "../../base/index.ts";
import { analyseChoices, LEARNED, TRIED } from "./choices.ts";

describe("choices", () => {
  const states = [0, 3, 6, 9];
  const edges = states.flatMap((i) => states.map((j) => [i, j] as const));
  const draw = random(8);
  const noise = () => edges.map(() => draw.next());
  // On every task an edge is worth what the good score says of it there, turned around.
  const tasks = ["a", "b", "c"].map((task) => {
    const good = noise();
    const scores = new Map([
      ["srank", good.map((value) => -value)],
      ["page", noise()],
      ["parameters", edges.map(() => 5)],
    ]);
    return { task, measured: good, scores };
  });
  const found = analyseChoices(tasks, states);
  const of = (way: string, k = 0) => found[k]!.choices.find((choice) => choice.way === way)!;

  test("a score that is wrong chooses the worst; one that says nothing has what a draw has", () => {
    const least = Math.min(...tasks[0]!.measured);
    expect(of("srank")).toMatchObject({ correlation: -1, first: least, above: 15 / 16 });
    expect(of("parameters").correlation).toBeNaN();
    for (const value of [of("parameters").first, of("parameters").few]) expect(value).toBeCloseTo(found[0]!.drawn, 12);
  });

  test("what was learned from the other tasks turns it around, where depth and their own edges cannot", () => {
    for (const [k, task] of tasks.entries()) {
      expect(of("scores, learned", k).correlation).toBeGreaterThan(0.95);
      expect(of("scores, learned", k).first).toBe(found[k]!.best);
      expect(of("scores, learned", k).few).toBeCloseTo(meanOfHighest(task.measured, 5), 12);
      expect(of("measured on others", k).correlation).toBeLessThan(0.8);
      expect(of("depth, learned", k).correlation).toBeLessThan(0.8);
    }
  });

  test("a task does not see its own measurements", () => {
    const changed = tasks.map((task, k) => (k === 0 ? { ...task, measured: tasks[0]!.measured.toReversed() } : task));
    const again = analyseChoices(changed, states)[0]!.choices;
    for (const way of LEARNED) {
      const [before, after] = [of(way), again.find((choice) => choice.way === way)!];
      // The same edge comes first, measured as the mirrored one was.
      const edge = tasks[0]!.measured.indexOf(before.first);
      expect(after.first).toBe(tasks[0]!.measured.toReversed()[edge]);
    }
  });

  test("where there are fewer edges than are looked at, all are", () => {
    const few = { task: "a", measured: [1, 2, 3, 6], scores: new Map([["srank", [4, 3, 2, 1]]]) };
    expect(analyseChoices([few], [0, 24])[0]!.choices).toEqual([
      { way: "srank", correlation: expect.closeTo(-1, 12), first: 1, few: 3, above: 0.75 },
    ]);
  });

  test("an epoch is held against what other seeds measured, and seeds count alike", () => {
    const tried = [
      { says: [1, 2, 3, 4], measured: [10, 20, 30, 40] },
      { says: [4, 3, 2, 1], measured: [10, 20, 30, 50] },
    ];
    const task = { task: "a", measured: [1, 2, 3, 6], scores: new Map(), tried };
    expect(analyseChoices([task], [0, 24])[0]!.choices).toEqual([
      { way: TRIED, correlation: expect.closeTo(0, 12), first: 25, few: (25 + 27.5) / 2, above: 0.375 },
    ]);
  });

  test("from fewer than two other tasks nothing is learned", () => {
    expect(analyseChoices(tasks.slice(0, 2), states)[0]!.choices.map(({ way }) => way)).toEqual([
      ...tasks[0]!.scores.keys(),
    ]);
  });
});

const meanOfHighest = (values: readonly number[], count: number): number =>
  values
    .toSorted((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, value) => sum + value, 0) / count;
