/** The ticker: bets as they come, drawn a few times a second, held still while somebody reads. */
import type { DeskBet } from "../trading/desk";
import { mergeBets, orderBets, type TickerOrder } from "./ticker";

const DRAW_EVERY_MS = 250;

export class TickerState {
  order = $state<TickerOrder>("newest");
  #bets = $state.raw<readonly DeskBet[]>([]);
  #held = $state.raw<readonly DeskBet[] | null>(null);
  #waiting: DeskBet[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** What is shown, in order. */
  readonly bets = $derived(orderBets(this.#held ?? this.#bets, this.order));
  readonly isHeld = $derived(this.#held !== null);

  put(bets: readonly DeskBet[]): void {
    if (bets.length === 0) return;
    this.#waiting.push(...bets);
    this.#timer ??= setTimeout(() => this.#draw(), DRAW_EVERY_MS);
  }

  hold(): void {
    this.#held ??= this.#bets;
  }

  release(): void {
    this.#held = null;
  }

  #draw(): void {
    this.#timer = null;
    this.#bets = mergeBets(this.#bets, this.#waiting);
    this.#waiting = [];
  }
}
