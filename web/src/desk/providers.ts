/** Whether providers can be relied on, in words. */
import type { Explanation, ProviderSign } from "../trading/desk";

const NAMES: Readonly<Record<string, string>> = { betfair: "Betfair" };

/** "UOF 3", "Betfair", "Sim alpha": as people say it. */
export function providerName(providerId: string): string {
  const known = NAMES[providerId];
  if (known) return known;
  const [family = "", ...rest] = providerId.split(/[:-]/);
  const name = family === "uof" ? "UOF" : family.charAt(0).toUpperCase() + family.slice(1);
  return [name, ...rest].join(" ");
}

/** How long the server may say nothing while all is well. */
const SILENCE_MS_MAX = 1_500;

/** The latest moment of which anything is known: now, or when the server last spoke if that is too long ago. */
export function knownTimeMs(serverNowMs: number, saidTimeMs: number): number {
  return Math.min(serverNowMs, saidTimeMs + SILENCE_MS_MAX);
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
  const counting = explanation.providerWeights.filter((weights) => (weights[0] ?? 0) > 0);
  return { countingCount: counting.length, totalCount: explanation.providerWeights.length };
}
