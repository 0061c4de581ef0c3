/** What this area asks of the server. Each change is made once for each request id. */
import type { Money } from "../shared/format";
import type { LimitWindow, Protection } from "./protection";

export interface ProtectionClient {
  getProtection(): Promise<Protection>;
  /** Null for no bound. */
  setDepositLimit(requestId: string, window: LimitWindow, amount: Money | null): Promise<Protection>;
  confirmDepositLimit(requestId: string, window: LimitWindow): Promise<Protection>;
  takeTimeOut(requestId: string, hours: number): Promise<void>;
  excludeSelf(requestId: string, months: number): Promise<void>;
}
