/** Where an outcome stands in a book's columns. */
import type { BookLayout } from "../odds/book";

const SEPARATOR = "\u001f";
const offsets = new WeakMap<BookLayout, ReadonlyMap<string, number>>();

/** Offset of an outcome in the outcome columns; -1 where the layout has none such. */
export function outcomeOffset(layout: BookLayout, marketId: string, outcomeId: string): number {
  return offsetsOf(layout).get(marketId + SEPARATOR + outcomeId) ?? -1;
}

function offsetsOf(layout: BookLayout): ReadonlyMap<string, number> {
  const known = offsets.get(layout);
  if (known) return known;
  const made = new Map<string, number>();
  layout.marketIds.forEach((marketId, index) => {
    const end = layout.outcomeStarts[index + 1] ?? 0;
    for (let offset = layout.outcomeStarts[index] ?? 0; offset < end; offset++) {
      made.set(marketId + SEPARATOR + (layout.outcomeIds[offset] ?? ""), offset);
    }
  });
  offsets.set(layout, made);
  return made;
}
