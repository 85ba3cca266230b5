import { expect, test } from "vitest";
import { transposed } from "./transposed.ts";

test.each([
  [1, 1],
  [3, 70],
  [64, 33],
])("row and column change places: %i × %i", (rows, columns) => {
  const data = Float32Array.from({ length: rows * columns }, (_, k) => k);
  const turned = transposed(data, rows, columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      if (turned[column * rows + row] !== row * columns + column) expect.fail(`${row}, ${column}`);
  expect(turned).toHaveLength(rows * columns);
});
