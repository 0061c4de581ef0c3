/** What the books know about a bet's match while it is on. */
import type { Bet } from "../bets/bet";
import { FixtureStatus } from "../odds/book";
import type { BookStore } from "../odds/books.svelte";
import { minuteOf, scoreOf } from "../odds/match";

export interface BetFacts {
  readonly liveScore: string;
  readonly participantNames: ReadonlyMap<string, string>;
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

export function betFacts(bet: Bet, books: BookStore): BetFacts {
  const fixture = books.fixture(bet.legs[0]?.fixtureId ?? "");
  if (!fixture) return { liveScore: "", participantNames: NO_NAMES };
  const { state, description } = fixture;
  const isLive = state.status === FixtureStatus.IN_PLAY;
  return {
    liveScore: isLive ? `${scoreOf(state)}, ${minuteOf(state)}` : "",
    participantNames: description.participantNames,
  };
}
