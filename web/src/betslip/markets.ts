/** How a match page lays out markets: groups, and the lines of one market ("total:1.5", "total:2.5") as one table. */
import type { MarketView } from "../odds/books.svelte";
import { MarketStatus } from "../odds/book";
import { MARKET_GROUPS, type MarketGroup, marketGroup, marketKey, marketName } from "../markets/names";

export interface MarketBlock {
  readonly key: string;
  readonly title: string;
  /** One market, or the lines of one kind in rising order. */
  readonly markets: readonly MarketView[];
  readonly isLines: boolean;
}

export interface MarketSection {
  readonly group: MarketGroup;
  readonly blocks: readonly MarketBlock[];
}

const LINE_TITLES: Readonly<Record<string, string>> = { total: "Total goals", handicap: "Handicap" };
const TAKING_BETS = new Set<number>([MarketStatus.OPEN, MarketStatus.SUSPENDED]);

/** Sections with markets that take bets or may again, in the order of the trade. */
export function marketSections(markets: readonly MarketView[]): MarketSection[] {
  const offered = markets.filter((market) => TAKING_BETS.has(market.status));
  return MARKET_GROUPS.map((group) => ({
    group,
    blocks: blocksOf(offered.filter((market) => marketGroup(market.marketId) === group)),
  })).filter((section) => section.blocks.length > 0);
}

function blocksOf(markets: readonly MarketView[]): MarketBlock[] {
  const blocks: MarketBlock[] = [];
  const linesByType = new Map<string, MarketView[]>();
  for (const market of markets) {
    const { type } = marketKey(market.marketId);
    const title = LINE_TITLES[type];
    if (title === undefined) {
      blocks.push({ key: market.marketId, title: marketName(market.marketId), markets: [market], isLines: false });
      continue;
    }
    const lines = linesByType.get(type);
    if (lines) {
      lines.push(market);
      continue;
    }
    const started = [market];
    linesByType.set(type, started);
    blocks.push({ key: type, title, markets: started, isLines: true });
  }
  for (const lines of linesByType.values()) lines.sort((a, b) => lineOf(a) - lineOf(b));
  return blocks;
}

function lineOf(market: MarketView): number {
  return Number(marketKey(market.marketId).specifier);
}
