/** What a player sees of games: what is offered, their last rounds, and the one spin that may be under way. */
import { announcer } from "../shared/announcer.svelte";
import { type Failure, toFailure } from "../shared/failure";
import { formatMoney, type Money } from "../shared/format";
import type { Balance } from "../wallet/balance";
import type { CasinoClient } from "./client";
import { type Game, outcomeOf, type Played, type Round } from "./game";

const ASK_AGAIN_MS = 2_000;
const ROUNDS_SHOWN = 20;

/** "asking": no answer came, and before anything else can be pressed it is asked what came of the spin. */
export type SpinPhase = "ready" | "spinning" | "asking";

export class CasinoState {
  games = $state.raw<readonly Game[] | null>(null);
  rounds = $state.raw<readonly Round[]>([]);
  areRoundsKnown = $state(false);
  phase = $state<SpinPhase>("ready");
  /** The last round that was played here. */
  round = $state.raw<Round | null>(null);
  /** Until when the next spin has to wait, by performance.now(). */
  readyAtMs = $state(0);
  failure = $state.raw<Failure | null>(null);
  loadFailure = $state.raw<Failure | null>(null);
  /** Whose games and rounds these are; empty for nobody's. */
  owner = $state("");
  readonly #client: CasinoClient;
  readonly #putBalance: (balance: Balance) => void;

  constructor(client: CasinoClient, putBalance: (balance: Balance) => void) {
    this.#client = client;
    this.#putBalance = putBalance;
  }

  /** Goes over to another player, or nobody: nothing of the one before stays. */
  belongTo(playerId: string): void {
    if (playerId === this.owner) return;
    this.owner = playerId;
    this.games = null;
    this.rounds = [];
    this.areRoundsKnown = false;
    this.round = null;
    this.failure = null;
    this.loadFailure = null;
    this.phase = "ready";
    this.readyAtMs = 0;
  }

  async load(): Promise<void> {
    const owner = this.owner;
    this.loadFailure = null;
    try {
      const [games, page] = await Promise.all([this.#client.listGames(), this.#client.listRounds("")]);
      if (owner !== this.owner) return;
      this.games = games;
      this.rounds = page.rounds.slice(0, ROUNDS_SHOWN);
      this.areRoundsKnown = true;
    } catch (error) {
      if (owner === this.owner) this.loadFailure = toFailure(error);
    }
  }

  /** Plays one round: one press, one request, and as often asked for as it takes to hear what came of it. */
  async spin(game: Game, stake: Money): Promise<void> {
    if (this.phase !== "ready" || performance.now() < this.readyAtMs) return;
    const owner = this.owner;
    const requestId = crypto.randomUUID();
    this.phase = "spinning";
    this.failure = null;
    let isKnown = false;
    while (!isKnown && owner === this.owner) {
      try {
        this.#take(await this.#client.spin(requestId, game.gameCode, stake), game, owner);
        isKnown = true;
      } catch (error) {
        isKnown = await this.#fail(toFailure(error), owner);
      }
    }
  }

  #take({ round, balance }: Played, game: Game, owner: string): void {
    if (owner !== this.owner) return;
    this.phase = "ready";
    this.readyAtMs = performance.now() + game.cycleMs;
    this.round = round;
    this.rounds = [round, ...this.rounds].slice(0, ROUNDS_SHOWN);
    this.#putBalance(balance);
    announcer.say(sentenceOf(round));
  }

  /** Returns whether it is known that there is no round; else waits before it is asked again. */
  async #fail(failure: Failure, owner: string): Promise<boolean> {
    if (owner !== this.owner) return true;
    if (failure.kind === "unreachable" || failure.kind === "broken") {
      this.phase = "asking";
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      return false;
    }
    this.phase = "ready";
    this.failure = failure;
    this.readyAtMs = performance.now() + Number(failure.metadata.get("wait_ms") ?? 0);
    return true;
  }
}

/** What came of a round, in words. */
export function sentenceOf(round: Round): string {
  switch (outcomeOf(round)) {
    case "won":
      return `Won ${formatMoney(round.win)}.`;
    case "part":
      return `Returned ${formatMoney(round.win)} of ${formatMoney(round.stake)}.`;
    case "nothing":
      return "No win this time.";
  }
}
