/** A stream whose status is on the screen. */
import { type StreamOptions, StreamRunner, type StreamStatus } from "./streams";

const NOT_STARTED: StreamStatus = { phase: "connecting", hasData: false, lastDataMs: 0, failures: 0, error: null };

/** Runs one stream at a time; starting another replaces it and keeps what is known about freshness. */
export class Watch<Message> {
  /** Changes once a message at most: read `phase` where only that matters. */
  lastDataMs = $state(0);
  phase = $state<StreamStatus["phase"]>("connecting");
  hasData = $state(false);
  failures = $state(0);
  error = $state.raw<unknown>(null);
  #runner: StreamRunner<Message> | null = null;

  start(options: Omit<StreamOptions<Message>, "onStatus">): void {
    this.#runner?.stop();
    const runner = new StreamRunner<Message>({
      ...options,
      onStatus: (status) => {
        if (this.#runner === runner) this.#show(status);
      },
    });
    this.#runner = runner;
    void runner.run();
  }

  stop(): void {
    this.#runner?.stop();
    this.#runner = null;
    this.#show(NOT_STARTED);
  }

  #show(status: StreamStatus): void {
    this.lastDataMs = status.lastDataMs;
    this.phase = status.phase;
    this.hasData = status.hasData;
    this.failures = status.failures;
    this.error = status.error;
  }
}
