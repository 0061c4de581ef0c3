/** Packed little-endian columns to typed arrays. Every browser's typed arrays are little-endian, so a copy suffices. */

const TWO_TO_32 = 4_294_967_296;

/** Thrown where a column's length is no multiple of its item's size. */
export class ColumnMalformed extends Error {
  override readonly name = "ColumnMalformed";

  constructor(itemBytes: number, foundBytes: number) {
    super(`A column of ${itemBytes}-byte items was ${foundBytes} bytes long`);
  }
}

function aligned(column: Uint8Array, itemBytes: number): ArrayBuffer {
  if (column.byteLength % itemBytes !== 0) throw new ColumnMalformed(itemBytes, column.byteLength);
  // The column is a window into the message at any offset; typed arrays want it at a multiple of the item.
  return column.slice().buffer;
}

export function uint16Column(column: Uint8Array): Uint16Array {
  return new Uint16Array(aligned(column, 2));
}

export function uint32Column(column: Uint8Array): Uint32Array {
  return new Uint32Array(aligned(column, 4));
}

export function float32Column(column: Uint8Array): Float32Array {
  return new Float32Array(aligned(column, 4));
}

export function float64Column(column: Uint8Array): Float64Array {
  return new Float64Array(aligned(column, 8));
}

/** Versions are microseconds since the epoch and stay below 2^53, so plain numbers hold them exactly. */
export function uint64Column(column: Uint8Array): Float64Array {
  const halves = new Uint32Array(aligned(column, 8));
  const numbers = new Float64Array(halves.length / 2);
  for (let index = 0; index < numbers.length; index++) {
    numbers[index] = (halves[2 * index] ?? 0) + (halves[2 * index + 1] ?? 0) * TWO_TO_32;
  }
  return numbers;
}

/** Running sum with a leading zero: where each market's outcomes start. */
export function startsOf(counts: Uint16Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1);
  for (let index = 0; index < counts.length; index++) {
    starts[index + 1] = (starts[index] ?? 0) + (counts[index] ?? 0);
  }
  return starts;
}
