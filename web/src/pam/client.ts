/** What this area asks of the server. */
import type { Balance } from "../wallet/balance";
import type { Player, Session } from "./player";

export interface LoggedIn {
  readonly player: Player;
  readonly session: Session;
}

export interface PlayersClient {
  register(requestId: string, username: string, password: string, currency: string): Promise<LoggedIn>;
  logIn(requestId: string, username: string, password: string): Promise<LoggedIn>;
  logOut(requestId: string): Promise<void>;
  /** Currencies in which accounts can be opened, the house's own first. */
  listCurrencies(): Promise<readonly string[]>;
  getMe(): Promise<{ player: Player; balance: Balance | null }>;
}
