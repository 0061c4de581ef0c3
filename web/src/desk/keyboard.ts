/** The desk by keyboard alone: what each key does where one is. */
import { announcer } from "../shared/announcer.svelte";
import { actionOf, type DeskAction, G_WAIT_MS } from "./keys";
import type { DeskPage, Part } from "./page.svelte";

const TYPING = "input, textarea, select, [contenteditable]";
/** What has a use of its own for Enter, the arrows and Escape. */
const PRESSED_BY_ENTER = "a, button, summary";

/** Ids of elements that keys move the focus to. */
export const FOCUS_IDS = {
  fixtures: "desk-fixtures",
  filter: "desk-filter",
  markets: "desk-markets",
  risk: "desk-risk",
  ticker: "desk-ticker",
} as const;

export class DeskKeyboard {
  readonly #desk: DeskPage;
  #gPressedMs = Number.NEGATIVE_INFINITY;

  constructor(desk: DeskPage) {
    this.#desk = desk;
  }

  press(event: KeyboardEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    if (event.defaultPrevented || this.#desk.dialog !== "none" || target?.closest(TYPING)) return;
    const isAfterG = event.timeStamp - this.#gPressedMs < G_WAIT_MS;
    const isModified = event.ctrlKey || event.metaKey || event.altKey;
    this.#gPressedMs = event.key === "g" && !isModified && !isAfterG ? event.timeStamp : Number.NEGATIVE_INFINITY;
    const action = actionOf({ key: event.key, isModified }, isAfterG);
    if (action === null || (action === "open" && target?.closest(PRESSED_BY_ENTER))) return;
    event.preventDefault();
    this.#do(action);
  }

  #do(action: DeskAction): void {
    const desk = this.#desk;
    switch (action) {
      case "next":
        return this.#step(1);
      case "previous":
        return this.#step(-1);
      case "open":
        return this.#open();
      case "back":
        return this.#goTo("fixtures");
      case "suspend_market":
        return this.#suspendMarket();
      case "suspend_fixture":
        if (desk.target.fixture) desk.toggleFixture(desk.target.fixture.fixtureId);
        return;
      case "take_back":
        return this.#takeBack();
      case "explain":
        desk.why.isOpen = !desk.why.isOpen;
        return;
      case "filter":
        return this.#focusFilter();
      case "help":
        desk.dialog = "help";
        return;
      case "go_fixtures":
        return this.#goTo("fixtures");
      case "go_markets":
        return this.#goTo("markets");
      case "go_risk":
        return this.#goTo("risk");
      case "go_ticker":
        return this.#goTo("ticker");
    }
  }

  #step(by: number): void {
    const desk = this.#desk;
    if (desk.part !== "markets" || !desk.store.open) {
      desk.list.step(by);
      return this.#goTo("fixtures");
    }
    const markets = desk.store.open.view.markets;
    const index = markets.findIndex((market) => market === desk.market);
    const isFirstStep = desk.marketId === "";
    const next = isFirstStep ? 0 : Math.min(markets.length - 1, Math.max(0, index + by));
    desk.marketId = markets[next]?.marketId ?? "";
    queueMicrotask(() => focus(marketButtonId(next)));
  }

  #open(): void {
    const { cursorId, rows } = this.#desk.list;
    const fixtureId = cursorId || rows[0]?.fixtureId;
    if (!fixtureId) return;
    this.#desk.go(fixtureId);
    this.#goTo("markets");
  }

  #suspendMarket(): void {
    const { market } = this.#desk.target;
    if (market) this.#desk.toggleMarket(market.marketId);
    else announcer.say("Open a fixture to suspend a market of it.");
  }

  #takeBack(): void {
    const [newest] = this.#desk.commands.commands;
    if (newest?.phase === "confirmed") this.#desk.commands.takeBack(newest);
  }

  #focusFilter(): void {
    this.#desk.part = "fixtures";
    requestAnimationFrame(() => focus(FOCUS_IDS.filter));
  }

  #goTo(part: Part): void {
    this.#desk.part = part;
    // On a phone the part is drawn first.
    requestAnimationFrame(() => focus(FOCUS_IDS[part]));
  }
}

/** The element of a market's name in the grid. */
export function marketButtonId(index: number): string {
  return `desk-market-${index}`;
}

function focus(id: string): void {
  document.getElementById(id)?.focus();
}
