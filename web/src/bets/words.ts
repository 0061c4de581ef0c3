/** What became of a bet, in plain words. */
import { formatMoney } from "../shared/format";
import { type Bet, type BetEvent, BetEventKind, BetStatus } from "./bet";

export interface BetOutcomeWords {
  readonly label: string;
  readonly tone: "open" | "won" | "lost" | "void";
}

export function betResult(bet: Bet): BetOutcomeWords {
  if (bet.status === BetStatus.OPEN) return { label: "Open", tone: "open" };
  if (bet.status === BetStatus.VOID) return { label: "Void, stake back", tone: "void" };
  const [returned, stake] = [bet.returned.amountMinor, bet.stake.amountMinor];
  if (returned === 0) return { label: "Lost", tone: "lost" };
  if (returned === stake) return { label: "Stake back", tone: "void" };
  if (returned < stake) return { label: `Part lost, ${formatMoney(bet.returned)} back`, tone: "lost" };
  return { label: `Won ${formatMoney(bet.returned)}`, tone: "won" };
}

export function eventSentence(event: BetEvent): string {
  const amount = formatMoney({ ...event.amount, amountMinor: Math.abs(event.amount.amountMinor) });
  switch (event.kind) {
    case BetEventKind.ACCEPTED:
      return "Accepted";
    case BetEventKind.SETTLED:
      return event.amount.amountMinor > 0 ? `Settled: ${amount} paid` : "Settled: nothing to pay";
    case BetEventKind.SETTLEMENT_ROLLED_BACK:
      return event.amount.amountMinor < 0
        ? `The result was corrected: ${amount} taken back, the bet is open again`
        : "The result was corrected: the bet is open again";
    case BetEventKind.VOIDED:
      return `Void: ${amount} given back`;
    case BetEventKind.VOID_ROLLED_BACK:
      return `No longer void: ${amount} taken back`;
    default:
      return "Changed";
  }
}
