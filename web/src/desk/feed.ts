/**
 * The desk's one stream, from fixture to fixture.
 *
 * A stream explains one fixture. When another is opened, the stream is opened anew within the same run, so that what
 * is known about the freshness of the data goes on, and nothing waits as it would after a failure.
 */
import type { TradingClient } from "../wire/trading";
import type { DeskUpdate } from "../trading/desk";

/** Somebody who leafs through fixtures opens one stream, for the fixture they stop at. */
const LEAFING_MS = 150;

export class DeskFeed {
  readonly #client: TradingClient;
  readonly #onOpen: () => void;
  #fixtureId = "";
  #openedId = "";
  #refocus = new AbortController();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `onOpen` is called before the snapshot of each stream. */
  constructor(client: TradingClient, onOpen: () => void) {
    this.#client = client;
    this.#onOpen = onOpen;
  }

  /** Has this fixture explained from now on, "" for none. */
  focus(fixtureId: string): void {
    if (fixtureId === this.#fixtureId) return;
    this.#fixtureId = fixtureId;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#openedId !== this.#fixtureId) this.#refocus.abort();
    }, LEAFING_MS);
  }

  async *open(signal: AbortSignal): AsyncIterable<DeskUpdate> {
    let isRefocused = true;
    while (isRefocused && !signal.aborted) {
      this.#refocus = new AbortController();
      const refocus = this.#refocus.signal;
      this.#openedId = this.#fixtureId;
      this.#onOpen();
      try {
        yield* this.#client.watchDesk(this.#openedId, AbortSignal.any([signal, refocus]));
      } catch (error) {
        if (!refocus.aborted || signal.aborted) throw error;
      }
      isRefocused = refocus.aborted;
    }
  }
}
