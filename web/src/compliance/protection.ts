/** What a player protects themselves with, and what there is to choose from. */
import type { Money } from "../shared/format";
import { LimitWindow } from "../wire/gen/overround/pam/v1/protection_service_pb";

export { LimitWindow };

export interface DepositLimit {
  readonly window: LimitWindow;
  /** Null for no bound. */
  readonly amount: Money | null;
  /** What was paid in over the window. */
  readonly paid: Money;
  /** What the bound would be raised to; null for none, or for no bound. */
  readonly raised: Money | null;
  /** From when the raise may hold; 0 where none waits. */
  readonly raiseFromMs: number;
  readonly raiseNeedsConfirmation: boolean;
}

export interface Protection {
  readonly limits: readonly DepositLimit[];
  readonly windows: readonly LimitWindow[];
  readonly timeOutHours: readonly [least: number, most: number];
  readonly exclusionMonths: readonly [least: number, most: number];
}

export const WINDOW_WORDS: Readonly<Record<number, string>> = {
  [LimitWindow.DAY]: "24 hours",
  [LimitWindow.WEEK]: "7 days",
  [LimitWindow.MONTH]: "a month",
};

const DAY_H = 24;
const TIME_OUTS_H = [DAY_H, 7 * DAY_H, 30 * DAY_H, 42 * DAY_H] as const;
const EXCLUSIONS_MONTHS = [6, 12, 24, 60] as const;

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** How long one may step back for, as far as the rules let one choose. */
export function timeOutChoices({ timeOutHours: [least, most] }: Protection): readonly Choice[] {
  return TIME_OUTS_H.filter((hours) => hours >= least && hours <= most).map((hours) => ({
    value: String(hours),
    label: hours === DAY_H ? "24 hours" : `${hours / DAY_H} days`,
  }));
}

/** How long one may exclude oneself for, as far as the rules let one choose. */
export function exclusionChoices({ exclusionMonths: [least, most] }: Protection): readonly Choice[] {
  return EXCLUSIONS_MONTHS.filter((months) => months >= least && months <= most).map((months) => ({
    value: String(months),
    label: months < 12 ? `${months} months` : months === 12 ? "1 year" : `${months / 12} years`,
  }));
}
