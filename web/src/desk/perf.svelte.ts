/** From book to screen, and how even the frames come: measured while somebody looks. */
import type { Book } from "../odds/book";

const SAMPLES_MAX = 2_000;
const SHOW_EVERY_MS = 1_000;

export interface PerfFigures {
  readonly framesPerSecond: number;
  readonly longestFrameMs: number;
  /** Publication of a book to the frame after the one that drew it; NaN for none. */
  readonly priceP50Ms: number;
  readonly priceP99Ms: number;
  readonly booksPerSecond: number;
}

export class PerfState {
  figures = $state.raw<PerfFigures | null>(null);
  #startedMs = Date.now();
  #frames: number[] = [];
  #delaysMs: number[] = [];
  #lastFrameMs = 0;
  #isRunning = false;

  start(): () => void {
    this.#isRunning = true;
    const frame = (nowMs: number) => {
      if (!this.#isRunning) return;
      if (this.#lastFrameMs > 0) this.#frames.push(nowMs - this.#lastFrameMs);
      this.#lastFrameMs = nowMs;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const timer = setInterval(() => this.#show(), SHOW_EVERY_MS);
    return () => {
      this.#isRunning = false;
      clearInterval(timer);
    };
  }

  /** A new connection's books are as old as they are; only those published from now on tell anything. */
  restart(): void {
    this.#startedMs = Date.now();
  }

  /** Books were put on the page; they are on the screen when the next frame begins. */
  noteDrawn(books: readonly Book[]): void {
    if (!this.#isRunning) return;
    const published = books.map((book) => book.publishedTimeMs).filter((timeMs) => timeMs > this.#startedMs);
    requestAnimationFrame(() => {
      const nowMs = Date.now();
      for (const timeMs of published) if (this.#delaysMs.length < SAMPLES_MAX) this.#delaysMs.push(nowMs - timeMs);
    });
  }

  #show(): void {
    const frames = this.#frames.splice(0);
    const delaysMs = this.#delaysMs.splice(0).sort((a, b) => a - b);
    const sumMs = frames.reduce((sum, durationMs) => sum + durationMs, 0);
    this.figures = {
      framesPerSecond: sumMs > 0 ? (frames.length * 1000) / sumMs : 0,
      longestFrameMs: Math.max(0, ...frames),
      priceP50Ms: quantile(delaysMs, 0.5),
      priceP99Ms: quantile(delaysMs, 0.99),
      booksPerSecond: delaysMs.length,
    };
  }
}

/** Of sorted numbers; NaN for none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
