/** Books off the wire to the screens' own. */
import type { Book, BookLayout, FixtureDescription, MatchState } from "../odds/book";
import { toSportState } from "./sport_states";
import { startsOf, uint16Column, uint32Column, uint64Column } from "./columns";
import type { Book as WireBook } from "./gen/overround/odds/v1/book_pb";
import type {
  FixtureDescription as WireDescription,
  MatchState as WireState,
} from "./gen/overround/odds/v1/fixture_pb";

const LAYOUTS_MAX = 20_000;

/** Thrown where a book's columns do not agree with each other. */
export class BookMalformed extends Error {
  override readonly name = "BookMalformed";
}

/** Layouts change seldom: one object per fixture and layout spares the screens comparing ids. */
const layouts = new Map<string, BookLayout>();

export function toBook(wire: WireBook): Book {
  const layout = toLayout(wire);
  const decimalOddsMilli = uint32Column(wire.decimalOddsMilli);
  const marketCount = layout.marketIds.length;
  const isWhole =
    decimalOddsMilli.length === layout.outcomeIds.length &&
    wire.marketStatuses.length === marketCount &&
    wire.suspensionReasons.length === marketCount;
  if (!isWhole) throw new BookMalformed(`Book ${wire.fixtureId} has columns of different lengths`);
  return {
    fixtureId: wire.fixtureId,
    version: Number(wire.version),
    publishedTimeMs: Number(wire.publishedTimeUs) / 1000,
    feedTimeMs: Number(wire.feedTimeUs) / 1000,
    description: toDescription(wire.description),
    state: toMatchState(wire.state),
    layout,
    // Copies: a window would keep the whole message it came in for as long as the book is shown.
    marketStatuses: wire.marketStatuses.slice(),
    suspensionReasons: wire.suspensionReasons.slice(),
    marketVersions: uint64Column(wire.marketVersions),
    decimalOddsMilli,
    traderSuspensions: wire.traderSuspensions.map((suspension) => ({
      marketId: suspension.marketId,
      traderName: suspension.traderName,
      suspendedTimeMs: Number(suspension.suspendedTimeUs) / 1000,
      requestId: suspension.requestId,
    })),
  };
}

/** What a layout is made from: a book has it, and so has the explanation of its prices. */
type WireLayout = Pick<WireBook, "fixtureId" | "layoutHash" | "marketIds" | "outcomeCounts" | "outcomeIds">;

export function toLayout(wire: WireLayout): BookLayout {
  // A list's books carry the main market alone under the same hash as the whole, so the count is part of the key.
  const key = `${wire.fixtureId}|${wire.layoutHash}|${wire.marketIds.length}`;
  const known = layouts.get(key);
  if (known) return known;
  const counts = uint16Column(wire.outcomeCounts);
  const outcomeStarts = startsOf(counts);
  if (counts.length !== wire.marketIds.length || outcomeStarts[counts.length] !== wire.outcomeIds.length) {
    throw new BookMalformed(`Book ${wire.fixtureId} has a layout that does not add up`);
  }
  const layout = { marketIds: wire.marketIds, outcomeIds: wire.outcomeIds, outcomeStarts };
  if (layouts.size >= LAYOUTS_MAX) layouts.clear();
  layouts.set(key, layout);
  return layout;
}

function toDescription(wire: WireDescription | undefined): FixtureDescription {
  return {
    sport: wire?.sport ?? "",
    competition: wire?.competition ?? "",
    homeName: wire?.homeName ?? "",
    awayName: wire?.awayName ?? "",
    startTimeMs: Number(wire?.startTimeMs ?? 0n),
    participantNames: new Map(wire?.participants.map((participant) => [participant.id, participant.name])),
  };
}

function toMatchState(wire: WireState | undefined): MatchState {
  const football = wire?.sport.case === "football" ? wire.sport.value : undefined;
  return {
    status: wire?.status ?? 0,
    period: wire?.period ?? 0,
    homeScore: wire?.homeScore ?? 0,
    awayScore: wire?.awayScore ?? 0,
    clockSeconds: wire?.clockSeconds ?? null,
    stoppageSeconds: football?.stoppageSeconds ?? 0,
    homeRedCards: football?.homeRedCards ?? 0,
    awayRedCards: football?.awayRedCards ?? 0,
    homeYellowCards: football?.homeYellowCards ?? 0,
    awayYellowCards: football?.awayYellowCards ?? 0,
    homeCorners: football?.homeCorners ?? 0,
    awayCorners: football?.awayCorners ?? 0,
    sport: toSportState(wire?.sport),
  };
}
