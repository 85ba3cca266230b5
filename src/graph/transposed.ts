/**
 * [rows, columns] → [columns, rows], square by square, so that memory is met in lines.
 * @param into  as many numbers; default an array of its own
 */
export function transposed<Numbers extends Float32Array | Int8Array>(
  data: Numbers,
  rows: number,
  columns: number,
  into?: Numbers,
): Numbers {
  const turned = into ?? new (data.constructor as new (size: number) => Numbers)(data.length);
  const side = 32;
  for (let top = 0; top < rows; top += side)
    for (let left = 0; left < columns; left += side) {
      const [bottom, right] = [Math.min(rows, top + side), Math.min(columns, left + side)];
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++) turned[column * rows + row] = data[row * columns + column]!;
    }
  return turned;
}
