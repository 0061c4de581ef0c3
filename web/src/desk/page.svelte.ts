/** Everything that lives as long as the desk: clients, stores, the stream, and where one is. */
import { getContext, setContext } from "svelte";

import { fixtureName } from "../odds/book";
import type { MarketView } from "../odds/books.svelte";
import { PlayerRole } from "../pam/player";
import { SessionState } from "../pam/session.svelte";
import { announcer } from "../shared/announcer.svelte";
import { marketName } from "../markets/names";
import { router, segments } from "../shared/router.svelte";
import { toFailure } from "../shared/failure";
import { createPlayersClient } from "../wire/players";
import { createTradingClient } from "../wire/trading";
import { createTransport } from "../wire/transport";
import { Watch } from "../wire/watch.svelte";
import { CommandsState } from "./commands.svelte";
import type { DeskUpdate } from "../trading/desk";
import { DeskFeed } from "./feed";
import type { FixtureEntry } from "./fixture.svelte";
import { FixtureListState } from "./list.svelte";
import { PerfState } from "./perf.svelte";
import { pauseSubject } from "./pricing";
import { findSuspension } from "./status";
import { DeskStore } from "./store.svelte";
import { TickerState } from "./ticker.svelte";
import { WhyState } from "./why.svelte";

export const PARTS = ["fixtures", "markets", "risk", "ticker"] as const;
/** A part of the desk; a phone shows one at a time. */
export type Part = (typeof PARTS)[number];

export type DeskDialog = "none" | "help" | "suspend_all";

export interface KeyTarget {
  readonly fixture: FixtureEntry | undefined;
  /** None in the list of fixtures. */
  readonly market: MarketView | undefined;
}

export class DeskPage {
  readonly session = new SessionState("overround.session.desk");
  readonly players;
  readonly store = new DeskStore();
  readonly list = new FixtureListState(this.store);
  readonly ticker = new TickerState();
  readonly perf = new PerfState();
  readonly watch = new Watch<DeskUpdate>();
  readonly commands: CommandsState;
  readonly why: WhyState;
  dialog = $state<DeskDialog>("none");
  /** The part that keys act on, and that a phone shows. */
  part = $state<Part>("fixtures");
  /** Whether the grid has room for every column. */
  isWide = $state(true);
  /** The market under the cursor. */
  marketId = $state("");
  readonly #feed: DeskFeed;

  constructor() {
    const transport = createTransport(this.session);
    this.players = createPlayersClient(transport);
    const trading = createTradingClient(transport);
    this.#feed = new DeskFeed(trading, () => {
      this.store.beginSnapshot();
      this.perf.restart();
    });
    this.commands = new CommandsState(trading, {
      suspensionsOf: (fixtureId) => this.store.fixture(fixtureId)?.suspensions ?? [],
      traderName: () => this.session.player?.username ?? "",
    });
    this.why = new WhyState(trading);
    this.store.listeners = {
      onBook: (book) => this.commands.noteBook(book.fixtureId, book.traderSuspensions),
      onDrawn: (books) => this.perf.noteDrawn(books),
    };
  }

  /** Follows the width of the window; returns what stops it. */
  followWidth(): () => void {
    const wide = matchMedia("(min-width: 641px)");
    const look = () => (this.isWide = wide.matches);
    look();
    wide.addEventListener("change", look);
    return () => wide.removeEventListener("change", look);
  }

  get isTrader(): boolean {
    return this.session.player?.role === PlayerRole.TRADER;
  }

  /** The fixture of the address; "" for none. */
  get fixtureId(): string {
    const [, kind, fixtureId] = segments(router.path);
    return kind === "fixture" ? (fixtureId ?? "") : "";
  }

  /** Seconds without data are counted and prices greyed. */
  get isStale(): boolean {
    return this.watch.phase === "stale";
  }

  watchDesk(): void {
    this.watch.start({
      open: (signal) => this.#feed.open(signal),
      onMessage: (update) => {
        this.store.put(update);
        this.ticker.put(update.bets);
      },
      isFinal: (error) => this.#isFinal(error),
    });
  }

  /** Shows the fixture of the address, and has it explained. */
  follow(fixtureId: string): void {
    this.store.openFixture(fixtureId);
    this.#feed.focus(fixtureId);
    this.marketId = "";
    if (fixtureId) this.list.cursorId = fixtureId;
    this.part = fixtureId ? "markets" : "fixtures";
  }

  go(fixtureId: string): void {
    router.go(deskPath(fixtureId));
  }

  /** What of pricing stands still, and since when by performance.now(); null while all of it works. */
  get pause(): { readonly subject: string; readonly sinceMs: number | null } | null {
    const { pause } = this.store;
    if (pause === null) return null;
    const heardAgoMs = Date.now() + this.store.clockOffsetMs - pause.heardTimeMs;
    return { subject: pauseSubject(pause), sinceMs: pause.heardTimeMs > 0 ? performance.now() - heardAgoMs : null };
  }

  /** What the suspending keys act on where one is; both are named on the screen before they are pressed. */
  get target(): KeyTarget {
    if (this.part !== "fixtures") return { fixture: this.store.open?.entry, market: this.market };
    return { fixture: this.list.rows[this.list.cursorIndex], market: undefined };
  }

  /** The market under the cursor of the grid: the one under the cursor, else the first. */
  get market() {
    const markets = this.store.open?.view.markets ?? [];
    return markets.find((market) => market.marketId === this.marketId) ?? markets[0];
  }

  toggleMarket(marketId: string): void {
    const open = this.store.open;
    if (!open) return;
    const { fixtureId, description, suspensions } = open.entry;
    if (findSuspension(suspensions, "") && !findSuspension(suspensions, marketId)) {
      announcer.say("The whole fixture is suspended. Shift S resumes it.");
      return;
    }
    const count = marketId === open.mainMarketId ? open.followerCount : 0;
    const along = count > 0 ? ` with ${count === 1 ? "1 market" : `${count} markets`} priced from it` : "";
    this.commands.toggle({ fixtureId, marketId, subject: `${marketName(marketId)}${along}, ${fixtureName(description)}` });
  }

  /** Suspends or resumes the whole of a fixture. */
  toggleFixture(fixtureId: string): void {
    const entry = this.store.fixture(fixtureId);
    if (entry) this.commands.toggle({ fixtureId, marketId: "", subject: fixtureName(entry.description) });
  }

  #isFinal(error: unknown): boolean {
    const failure = toFailure(error);
    return failure.kind === "signed_out" || failure.reason === "TRADER_REQUIRED";
  }
}

/** Address of a fixture on the desk, "" for the desk alone; what the query asks for stays. */
export function deskPath(fixtureId: string): string {
  const query = typeof location === "undefined" ? "" : location.search;
  return (fixtureId ? `/desk/fixture/${encodeURIComponent(fixtureId)}` : "/desk") + query;
}

const DESK = Symbol("desk");

export function provideDesk(): DeskPage {
  return setContext(DESK, new DeskPage());
}

export function getDesk(): DeskPage {
  return getContext<DeskPage>(DESK);
}
