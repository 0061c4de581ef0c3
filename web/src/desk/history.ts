/** Prices of one fixture since the page opened, thinned so that they never grow past a bound. */
import type { BookLayout } from "../odds/book";
import { outcomeOffset } from "./layout";

export const SAMPLES_MAX = 160;
const SPACING_FIRST_MS = 1_000;

interface Sample {
  readonly timeMs: number;
  readonly layout: BookLayout;
  readonly decimalOddsMilli: Uint32Array;
}

export interface PricePoint {
  readonly timeMs: number;
  readonly decimalOddsMilli: number;
}

export interface LastMove {
  readonly timeMs: number;
  /** 1 longer, -1 shorter. */
  readonly direction: -1 | 1;
}

export class PriceHistory {
  #samples: Sample[] = [];
  #spacingMs = SPACING_FIRST_MS;

  /** Takes in the prices of now; those that come closer than the spacing replace the newest. */
  note(timeMs: number, layout: BookLayout, decimalOddsMilli: Uint32Array): void {
    const sample = { timeMs, layout, decimalOddsMilli };
    const beforeNewest = this.#samples.at(-2);
    if (beforeNewest && timeMs - beforeNewest.timeMs < this.#spacingMs) {
      this.#samples[this.#samples.length - 1] = sample;
      return;
    }
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#thin();
  }

  get size(): number {
    return this.#samples.length;
  }

  /** Points of one outcome where its price changed, oldest first; gaps in the offer are left out. */
  points(marketId: string, outcomeId: string): PricePoint[] {
    const points: PricePoint[] = [];
    for (const { timeMs, layout, decimalOddsMilli } of this.#samples) {
      const now = decimalOddsMilli[outcomeOffset(layout, marketId, outcomeId)] ?? 0;
      if (now > 0 && now !== points.at(-1)?.decimalOddsMilli) points.push({ timeMs, decimalOddsMilli: now });
    }
    return points;
  }

  lastMove(marketId: string, outcomeId: string): LastMove | null {
    const points = this.points(marketId, outcomeId);
    const [before, now] = [points.at(-2), points.at(-1)];
    if (!before || !now) return null;
    return { timeMs: now.timeMs, direction: now.decimalOddsMilli > before.decimalOddsMilli ? 1 : -1 };
  }

  #thin(): void {
    this.#spacingMs *= 2;
    const newest = this.#samples.length - 1;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0 || index === newest);
  }
}

/** A step line through the points up to now, in a box; empty without a move. The price axis fits the points. */
export function sparklinePath(points: readonly PricePoint[], nowMs: number, width: number, height: number): string {
  const first = points[0];
  if (!first || points.length < 2) return "";
  const prices = points.map((point) => point.decimalOddsMilli);
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const spanMs = Math.max(1, nowMs - first.timeMs);
  const x = (timeMs: number) => round(((timeMs - first.timeMs) / spanMs) * width);
  const y = (odds: number) => round(height - ((odds - low) / Math.max(1, high - low)) * height);
  const steps = points.map(({ timeMs, decimalOddsMilli }, index) =>
    index === 0 ? `M0 ${y(decimalOddsMilli)}` : `H${x(timeMs)}V${y(decimalOddsMilli)}`,
  );
  return `${steps.join("")}H${round(width)}`;
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
