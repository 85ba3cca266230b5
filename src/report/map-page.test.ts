import { expect, test } from "vitest";
import { mapPage } from "./map-page.ts";

const program = { app: "0;", appHash: "HASH" };
const page = (name: string) =>
  mapPage(
    {
      map: {
        matrix: [
          [5, 9, 1],
          [9, 0, 2],
          [3, 4, 6],
        ],
        scoreName: name,
        title: name,
        chosen: [{ from: 1, to: 1 }],
      },
      arcs: { states: 3, arcs: [{ from: 1, to: 1, rank: 4 }], title: name, scoreName: name },
      facts: [name],
    },
    program,
  );

test("the best edges are listed from the highest on, equal ones share a place, and the chosen are named", () => {
  const rows = [...page("srank").matchAll(/<tr><td>(\d+)<\/td><td><button data-edge="([\d-]+)">.*?<\/tr>/g)];
  expect(rows.map(([, place, edge]) => `${place}: ${edge}`)).toEqual([
    ...["1: 0-1", "1: 1-0", "3: 2-2", "4: 0-0", "5: 2-1", "6: 2-0", "7: 1-2", "8: 0-2", "9: 1-1"],
  ]);
  expect(rows.at(-1)![0]).toMatch(/<td class="text">sequential<\/td>.*<td>0<\/td><td>1<\/td><\/tr>$/);
});

test("of some states these are named, and what was not scored is listed where it was chosen, without a number", () => {
  const matrix = [
    [5, 9, Number.NaN],
    [7, 0, Number.NaN],
    [Number.NaN, Number.NaN, Number.NaN],
  ];
  const chosen = [
    { from: 3, to: 0 },
    { from: 4, to: 3 },
  ];
  const html = mapPage(
    { map: { matrix, states: [0, 3, 4], scoreName: "srank", chosen }, arcs: { states: 7, arcs: [] } },
    program,
  );
  const rows = [
    ...html.matchAll(/<tr><td>(\d*)<\/td><td><button data-edge="([\d-]+)">.*?<td>([^<]*)<\/td><td>(\d*)<\/td><\/tr>/g),
  ];
  expect(rows.map(([, ...cells]) => cells.join(" "))).toEqual([
    ...["1 0-3 9 ", "2 3-0 7 1", "3 0-0 5 ", "4 3-3 0 ", " 4-3 not measured 2"],
  ]);
  const view = JSON.parse(/id="view">(.*?)<\/script>/s.exec(html)![1]!);
  expect(view).toMatchObject({
    states: [0, 3, 4],
    matrix: [
      [5, 9, null],
      [7, 0, null],
      [null, null, null],
    ],
  });
  expect(view.names[1]).toBe("after block 1's attention");
  expect(html).not.toContain("NaN");
});

test("a comparison is told and drawn, blue where the other ranks an edge higher", () => {
  const matrix = [
    [0, -20],
    [40, 10],
  ];
  const html = mapPage(
    {
      map: {
        matrix: [
          [1, 2],
          [3, 4],
        ],
        scoreName: "srank",
      },
      arcs: { states: 2, arcs: [] },
      comparison: { lines: ["ρ <0.5>"], map: { matrix, scoreName: "places", isDifference: true } },
    },
    program,
  );
  expect(html).toContain("<h2>Comparison</h2><p>ρ &lt;0.5&gt;</p>");
  const fills = [...html.matchAll(/<g fill="(#\w+)"><path [^>]*><title>(\d → \d), [\w-]+: (-?\d+)<\/title>/g)];
  const colors = new Map(fills.slice(-4).map(([, color, , value]) => [Number(value), color!]));
  const [red, , blue] = [1, 3, 5].map(
    (at) => (value: number) => Number.parseInt(colors.get(value)!.slice(at, at + 2), 16),
  );
  expect(blue!(-20)).toBeGreaterThan(red!(-20));
  expect(blue!(40)).toBeLessThan(red!(40));
  expect(Math.abs(red!(0) - blue!(0))).toBeLessThan(8); // the middle is grey, though −20 to 40 is not even
  expect(html).toMatch(/y="9">40<.*y="121">-40</s);
});

test("only its own program may run, and names are text wherever they stand", () => {
  const html = page(`</script><script>alert(1)</script><!--"'&`);
  expect(html).toContain("script-src 'sha256-HASH'");
  expect(html.match(/<script[ >]/g)).toHaveLength(2); // the data and the program
  expect(html).not.toContain("<!--");
  const data = JSON.parse(/id="view">(.*)<\/script>/.exec(html)![1]!);
  expect(data.scoreName).toBe(`</script><script>alert(1)</script><!--"'&`);
});
