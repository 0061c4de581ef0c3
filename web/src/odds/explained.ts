/** Why a market's prices are, or were, what they are: each step from the providers' prices to ours. */
import { MarketStatus } from "./book";
import { formatPercent } from "../shared/format";

export type PriceSource = "none" | "market" | "goals" | "model";

export interface ExplainedProvider {
  readonly providerId: string;
  /** Share of the blend, 0 to 1. */
  readonly weight: number;
  /** When its newest quotes arrived, by the server's clock. */
  readonly receivedTimeMs: number;
  /** What it says of the market; unspecified where it never quoted it. */
  readonly status: MarketStatus;
  readonly isBehind: boolean;
  readonly isBetStopped: boolean;
}

export interface ProviderPrice {
  readonly decimalOddsMilli: number;
  /** Without the provider's margin; NaN where that cannot be said. */
  readonly fairProbability: number;
}

/** One outcome; NaN where a step has nothing. */
export interface ExplainedOutcome {
  readonly outcomeId: string;
  readonly priceByProvider: ReadonlyMap<string, ProviderPrice>;
  readonly blendedProbability: number;
  readonly fairProbability: number;
  /** Fair less blended, as a difference of logits. */
  readonly shiftLogit: number;
  readonly decimalOddsBeforeLadder: number;
  /** As bettors saw them; 0 where the outcome was not offered. */
  readonly decimalOddsMilli: number;
}

/** What the model of a sport was fitted to: "home goals", 1.52. */
export interface ModelFigure {
  readonly name: string;
  readonly value: number;
}

export interface ExplainedPrices {
  readonly version: number;
  readonly publishedTimeMs: number;
  readonly marginRemoval: string;
  readonly marginApplication: string;
  readonly ladder: string;
  /** What the sport's model was last fitted to; none for never. */
  readonly figures: readonly ModelFigure[];
  readonly marketId: string;
  readonly status: MarketStatus;
  readonly source: PriceSource;
  /** 1.05 for 5 %; NaN without a price, and so the next. */
  readonly overroundWanted: number;
  readonly overround: number;
  readonly providers: readonly ExplainedProvider[];
  readonly outcomes: readonly ExplainedOutcome[];
}

/** The heaviest first. */
export function orderByWeight(providers: readonly ExplainedProvider[]): ExplainedProvider[] {
  return [...providers].sort((a, b) => b.weight - a.weight || a.providerId.localeCompare(b.providerId));
}

/** Why a provider's prices for the market count, or do not. */
export function providerWords(provider: ExplainedProvider): string {
  if (provider.isBetStopped) return "Bet stop";
  if (provider.isBehind) return "Behind the match";
  if (provider.status === MarketStatus.UNSPECIFIED) return "Not offered";
  if (provider.status === MarketStatus.SUSPENDED) return "Suspended";
  if (provider.status !== MarketStatus.OPEN) return "Closed";
  return provider.weight > 0 ? "Counts" : "Left out";
}

/** "Home goals 1.52, away goals 1.10, rho −0.05": what the fair probabilities were read from. */
export function sourceWords(prices: ExplainedPrices): string {
  if (prices.source === "none") return "No price could be made";
  const figures = prices.figures.filter(({ name }) => name !== "error");
  if (prices.source === "market" || figures.length === 0) return "Providers' prices for this market";
  const words = figures.map(({ name, value }) => `${name} ${value.toFixed(2).replace("-", "−")}`).join(", ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "out by power, on by odds ratio; 5% wanted, 5.6% after the fine ladder". */
export function marginWords(prices: ExplainedPrices): string {
  const [removal, application] = [prices.marginRemoval, prices.marginApplication].map((name) => name.replaceAll("_", " "));
  const methods = `out by ${removal}, on by ${application}`;
  if (Number.isNaN(prices.overround)) return methods;
  const [wanted, kept] = [prices.overroundWanted, prices.overround].map((overround) => formatPercent(overround - 1));
  return `${methods}; ${wanted} wanted, ${kept} after the ${prices.ladder} ladder`;
}

/** "+0.036", "−0.120", "0.000"; "–" for NaN. */
export function signed(value: number, digits: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value).toFixed(digits);
  if (Number(size) === 0) return size;
  return (value > 0 ? "+" : "−") + size;
}
