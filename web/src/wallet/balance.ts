/** The player's money. */
import type { Money } from "../shared/format";

export interface Balance {
  readonly available: Money;
  readonly held: Money;
  /** Rises with every movement: an older balance never replaces a newer one. */
  readonly accountVersion: number;
}
