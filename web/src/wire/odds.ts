/** Client of the price streams. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { BooksUpdate } from "../odds/book";
import { toBook } from "./books";
import { OddsService } from "./gen/overround/odds/v1/odds_service_pb";

export interface OddsClient {
  /** Streams the current books of these fixtures (none: all that are not over), then each change. */
  watchBooks(request: WatchedBooks, signal: AbortSignal): AsyncIterable<BooksUpdate>;
}

export interface WatchedBooks {
  readonly fixtureIds: readonly string[];
  readonly isMainMarketOnly: boolean;
}

export function createOddsClient(transport: Transport): OddsClient {
  const client = createClient(OddsService, transport);
  return {
    async *watchBooks(request, signal) {
      const wireRequest = { fixtureIds: [...request.fixtureIds], mainMarketOnly: request.isMainMarketOnly };
      for await (const response of client.watchBooks(wireRequest, { signal })) {
        yield {
          books: response.books.map(toBook),
          removedFixtureIds: response.removedFixtureIds,
          serverTimeMs: Number(response.serverTimeUs) / 1000,
          isPricingLive: response.isPricingLive,
          inPlayDelayMs: response.inPlayDelayMs,
        };
      }
    },
  };
}
