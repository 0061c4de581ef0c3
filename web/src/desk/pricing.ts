/** What of pricing stands still, in figures and words. */
import type { PricingPart } from "../trading/desk";

export interface PricingPause {
  /** Whether all of pricing stands still. */
  readonly isWhole: boolean;
  /** Fixtures that are not over and take no bets for it. */
  readonly fixtureCount: number;
  /** When the part that is silent for longest was last heard, by the server's clock; 0 for never. */
  readonly heardTimeMs: number;
}

/** Null while all of it works, or what does not prices nothing. */
export function pricingPause(pricing: readonly PricingPart[], fixtureCount: number): PricingPause | null {
  const silent = pricing.filter((part) => !part.isLive);
  const isWhole = silent.length > 0 && silent.length === pricing.length;
  if (silent.length === 0 || (!isWhole && fixtureCount === 0)) return null;
  return { isWhole, fixtureCount, heardTimeMs: Math.min(...silent.map((part) => part.heardTimeMs)) };
}

/** "Pricing", "Pricing of 12 fixtures": what is paused. */
export function pauseSubject({ isWhole, fixtureCount }: PricingPause): string {
  if (isWhole) return "Pricing";
  return `Pricing of ${fixtureCount === 1 ? "1 fixture" : `${fixtureCount} fixtures`}`;
}
