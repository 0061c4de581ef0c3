/** What this area asks of the server. */
import type { Money } from "../shared/format";
import type { Balance } from "./balance";

export interface WalletClient {
  depositTestMoney(requestId: string, amount: Money): Promise<Balance>;
}
