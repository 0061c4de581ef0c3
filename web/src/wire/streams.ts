/** Keeps one server stream going: reconnects with jittered, bounded waits and knows when its data has gone stale. */

export const STALE_AFTER_MS = 3_000;
/** A connection that looks open but says nothing for this long is cut and made anew. */
export const SILENT_MAX_MS = 8_000;
const WAIT_MIN_MS = 400;
const WAIT_MAX_MS = 5_000;
const CHECK_EVERY_MS = 500;

export interface StreamStatus {
  /** "connecting" until the first data ever; then "live", or "stale" without data for 3 s; "ended" is final. */
  readonly phase: "connecting" | "live" | "stale" | "ended";
  /** Whether data has ever come: what is on the screen is then old rather than missing. */
  readonly hasData: boolean;
  /** When data last came, by the runner's clock; when it was started, before the first. */
  readonly lastDataMs: number;
  /** Failed attempts since data last came. */
  readonly failures: number;
  /** Why the newest attempt failed; null while all is well. */
  readonly error: unknown;
}

export interface StreamOptions<Message> {
  readonly open: (signal: AbortSignal) => AsyncIterable<Message>;
  readonly onMessage: (message: Message) => void;
  readonly onStatus: (status: StreamStatus) => void;
  /** True where trying again cannot help (signed out). */
  readonly isFinal?: (error: unknown) => boolean;
  readonly clock?: StreamClock;
}

/** What the runner needs of the world. */
export interface StreamClock {
  now(): number;
  random(): number;
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
  every(periodMs: number, action: () => void): () => void;
  /** Calls the action when the network came back or the page is looked at again. */
  onWake(action: () => void): () => void;
}

export const browserClock: StreamClock = {
  now: () => performance.now(),
  random: () => Math.random(),
  wait: (delayMs, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    }),
  every(periodMs, action) {
    const timer = setInterval(action, periodMs);
    return () => clearInterval(timer);
  },
  onWake(action) {
    const onVisible = () => document.visibilityState === "visible" && action();
    window.addEventListener("online", action);
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      window.removeEventListener("online", action);
      document.removeEventListener("visibilitychange", onVisible);
    };
  },
};

/** Wait before attempt n (from 1): doubles to a bound, with half of it random so that clients do not come in step. */
export function reconnectDelayMs(failures: number, random: number): number {
  const ceilingMs = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** Math.max(0, failures - 1));
  return ceilingMs / 2 + (ceilingMs / 2) * random;
}

export class StreamRunner<Message> {
  readonly #options: StreamOptions<Message>;
  readonly #clock: StreamClock;
  readonly #stopped = new AbortController();
  #attempt = new AbortController();
  #wake = new AbortController();
  #status: StreamStatus;
  #lastByteMs: number;

  constructor(options: StreamOptions<Message>) {
    this.#options = options;
    this.#clock = options.clock ?? browserClock;
    this.#lastByteMs = this.#clock.now();
    this.#status = { phase: "connecting", hasData: false, lastDataMs: this.#lastByteMs, failures: 0, error: null };
  }

  /** Runs until stopped or ended; call once. */
  async run(): Promise<void> {
    const stopChecks = this.#clock.every(CHECK_EVERY_MS, () => this.#check());
    const stopWakes = this.#clock.onWake(() => this.#wake.abort());
    try {
      while (!this.#stopped.signal.aborted && this.#status.phase !== "ended") await this.#connectOnce();
    } finally {
      stopChecks();
      stopWakes();
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#attempt.abort();
    this.#wake.abort();
  }

  async #connectOnce(): Promise<void> {
    this.#attempt = new AbortController();
    this.#lastByteMs = this.#clock.now();
    let error: unknown = new Error("The server closed the stream");
    try {
      for await (const message of this.#options.open(this.#attempt.signal)) {
        if (this.#stopped.signal.aborted) return;
        this.#noteData();
        this.#options.onMessage(message);
      }
    } catch (thrown) {
      error = thrown;
    }
    if (this.#stopped.signal.aborted) return;
    await this.#noteFailure(error);
  }

  #noteData(): void {
    this.#lastByteMs = this.#clock.now();
    this.#status = { phase: "live", hasData: true, lastDataMs: this.#lastByteMs, failures: 0, error: null };
    this.#options.onStatus(this.#status);
  }

  async #noteFailure(error: unknown): Promise<void> {
    const failures = this.#status.failures + 1;
    const isFinal = this.#options.isFinal?.(error) ?? false;
    this.#setStatus({ ...this.#status, failures, error, phase: isFinal ? "ended" : this.#phaseNow() });
    if (isFinal) return;
    this.#wake = new AbortController();
    await this.#clock.wait(reconnectDelayMs(failures, this.#clock.random()), this.#wake.signal);
  }

  #check(): void {
    const phase = this.#phaseNow();
    if (phase !== this.#status.phase) this.#setStatus({ ...this.#status, phase });
    if (this.#clock.now() - this.#lastByteMs > SILENT_MAX_MS) this.#attempt.abort();
  }

  #phaseNow(): StreamStatus["phase"] {
    if (this.#status.phase === "ended" || !this.#status.hasData) return this.#status.phase;
    return this.#clock.now() - this.#status.lastDataMs >= STALE_AFTER_MS ? "stale" : "live";
  }

  #setStatus(status: StreamStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}
