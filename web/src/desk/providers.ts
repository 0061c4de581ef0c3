/** Whether providers can be relied on, in words. */
import { MarketStatus } from "../odds/book";
import type { Explanation, ProviderQuotes, ProviderSign } from "./desk";
import { outcomeOffset } from "./layout";

const NAMES: Readonly<Record<string, string>> = { betfair: "Betfair" };

/** "UOF 3", "Betfair", "Sim alpha": as people say it. */
export function providerName(providerId: string): string {
  const known = NAMES[providerId];
  if (known) return known;
  const [family = "", ...rest] = providerId.split(/[:-]/);
  const name = family === "uof" ? "UOF" : family.charAt(0).toUpperCase() + family.slice(1);
  return [name, ...rest].join(" ");
}

/** Whether its prices count: it says so itself, and is not silent for too long. */
export function isProviderUp(sign: ProviderSign, serverNowMs: number): boolean {
  return sign.isUp && (sign.timeoutMs === 0 || serverNowMs - sign.receivedTimeMs <= sign.timeoutMs);
}

/** "0.4 s", "12 s", "3 min". */
export function heartbeatAge(sign: ProviderSign, serverNowMs: number): string {
  const seconds = Math.max(0, serverNowMs - sign.receivedTimeMs) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** Those that are down first, since they are what one looks for; then by name. */
export function orderProviders(signs: readonly ProviderSign[], serverNowMs: number): ProviderSign[] {
  const rank = (sign: ProviderSign) => (isProviderUp(sign, serverNowMs) ? 1 : 0);
  return [...signs].sort((a, b) => rank(a) - rank(b) || a.providerId.localeCompare(b.providerId));
}

export interface Coverage {
  /** Providers whose prices count in its main market. */
  readonly countingCount: number;
  readonly totalCount: number;
}

export function coverageOf(explanation: Explanation): Coverage {
  const counting = explanation.providers.filter((provider) => (provider.weights[0] ?? 0) > 0);
  return { countingCount: counting.length, totalCount: explanation.providers.length };
}

export interface ProviderRow {
  readonly providerId: string;
  readonly receivedTimeMs: number;
  /** Share of the blend, 0 to 1. */
  readonly weight: number;
  /** Why it counts or does not. */
  readonly words: string;
  readonly isCounting: boolean;
  /** In the order of the outcomes asked for; 0 for none. */
  readonly decimalOddsMilli: readonly number[];
}

/** What each provider says about one market, the heaviest first. */
export function providerRows(explanation: Explanation, marketId: string, outcomeIds: readonly string[]): ProviderRow[] {
  const { layout } = explanation;
  const market = layout.marketIds.indexOf(marketId);
  if (market < 0) return [];
  const offsets = outcomeIds.map((outcomeId) => outcomeOffset(layout, marketId, outcomeId));
  return explanation.providers
    .map((provider) => ({
      providerId: provider.providerId,
      receivedTimeMs: provider.receivedTimeMs,
      weight: provider.weights[market] ?? 0,
      words: quoteWords(provider, market),
      isCounting: (provider.weights[market] ?? 0) > 0,
      decimalOddsMilli: offsets.map((offset) => provider.decimalOddsMilli[offset] ?? 0),
    }))
    .sort((a, b) => b.weight - a.weight || a.providerId.localeCompare(b.providerId));
}

function quoteWords(provider: ProviderQuotes, market: number): string {
  if (provider.betStops[market]) return "Bet stop";
  if (provider.isBehind) return "Behind the match";
  const status = provider.marketStatuses[market] ?? 0;
  if (status === 0) return "Not offered";
  if (status === MarketStatus.SUSPENDED) return "Suspended";
  if (status !== MarketStatus.OPEN) return "Closed";
  return (provider.weights[market] ?? 0) > 0 ? "Counts" : "Left out";
}
