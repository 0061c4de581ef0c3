/** What the desk asks about a price: of now, or of the version that made it. */
import { type Failure, toFailure } from "../shared/failure";
import type { PriceQuestion, TradingClient } from "../wire/trading";
import type { ExplainedPrices } from "../odds/explained";

/** "now": with what providers say at this moment; "made": as it was when the market's prices last changed. */
export type WhyTense = "now" | "made";

export class WhyState {
  isOpen = $state(false);
  tense = $state<WhyTense>("now");
  prices = $state.raw<ExplainedPrices | null>(null);
  failure = $state.raw<Failure | null>(null);
  readonly #client: TradingClient;
  /** The question on its way. */
  #asked = "";

  constructor(client: TradingClient) {
    this.#client = client;
  }

  /** Asks, unless the same question is on its way; the answer to an earlier one is dropped. */
  async ask(question: PriceQuestion): Promise<void> {
    const key = JSON.stringify(question);
    if (key === this.#asked) return;
    this.#asked = key;
    let prices: ExplainedPrices | null = null;
    let failure: Failure | null = null;
    try {
      prices = await this.#client.explainPrice(question);
    } catch (error) {
      failure = toFailure(error);
    }
    if (this.#asked !== key) return;
    this.#asked = "";
    this.prices = prices;
    // The same failure again is no news to be read out.
    if (failure?.reason !== this.failure?.reason) this.failure = failure;
  }
}
