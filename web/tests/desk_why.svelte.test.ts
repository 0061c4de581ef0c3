import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";

import {
  type ExplainedPrices,
  type ExplainedProvider,
  marginWords,
  orderByWeight,
  providerWords,
  signed,
  sourceWords,
} from "../src/odds/explained";
import { WhyState } from "../src/desk/why.svelte";
import { toExplainedPrices } from "../src/wire/explained";
import { PriceSource } from "../src/wire/gen/overround/odds/v1/book_pb";
import { ExplainPriceResponseSchema } from "../src/wire/gen/overround/trading/v1/trading_service_pb";
import type { PriceQuestion, TradingClient } from "../src/wire/trading";

function provider(providerId: string, changes: Partial<ExplainedProvider> = {}): ExplainedProvider {
  return { providerId, weight: 0.5, receivedTimeMs: 0, status: 1, isBehind: false, isBetStopped: false, ...changes };
}

function prices(changes: Partial<ExplainedPrices> = {}): ExplainedPrices {
  return {
    version: 7, publishedTimeMs: 7, marginRemoval: "power", marginApplication: "odds_ratio", ladder: "fine",
    figures: [["home goals", 1.524], ["away goals", 1.1], ["rho", -0.05], ["error", 0.002]].map(
      ([name, value]) => ({ name: String(name), value: Number(value) }),
    ),
    marketId: "1x2", status: 1, source: "goals",
    overroundWanted: 1.05, overround: 1.0561, providers: [], outcomes: [], ...changes,
  };
}

describe("the words of an explanation", () => {
  test("say what the fair probabilities were read from", () => {
    expect(sourceWords(prices())).toBe("Home goals 1.52, away goals 1.10, rho −0.05");
    expect(sourceWords(prices({ source: "market" }))).toBe("Providers' prices for this market");
    expect(sourceWords(prices({ source: "none" }))).toBe("No price could be made");
  });

  test("say what margin was wanted and what the ladder made of it", () => {
    expect(marginWords(prices())).toBe("out by power, on by odds ratio; 5% wanted, 5.6% after the fine ladder");
    expect(marginWords(prices({ overround: Number.NaN }))).toBe("out by power, on by odds ratio");
  });

  test("say of each provider why it counts or does not, the heaviest first", () => {
    const stopped = provider("a", { weight: 0, isBetStopped: true, isBehind: true });
    expect(orderByWeight([stopped, provider("c"), provider("b")]).map(({ providerId }) => providerId)).toEqual(["b", "c", "a"]);
    expect(providerWords(stopped)).toBe("Bet stop");
    expect(providerWords(provider("a", { isBehind: true }))).toBe("Behind the match");
    expect(providerWords(provider("a", { weight: 0, status: 0 }))).toBe("Not offered");
    expect(providerWords(provider("a", { weight: 0 }))).toBe("Left out");
    expect(providerWords(provider("a"))).toBe("Counts");
  });

  test("give a shift its sign, none to nothing", () => {
    expect([0.0361, -0.12, 0.0001, -0.0001, Number.NaN].map((value) => signed(value, 3))).toEqual([
      "+0.036", "−0.120", "0.000", "0.000", "–",
    ]);
  });
});

test("what the answer leaves out is no number", () => {
  const wire = create(ExplainPriceResponseSchema, {
    version: 1_800_000_000_000_001n,
    publishedTimeUs: 2_500n,
    markets: [
      {
        marketId: "1x2",
        priceSource: PriceSource.GOALS,
        overround: 1.06,
        outcomes: [{ outcomeId: "home", decimalOddsMilli: 2100, providerPrices: [{ providerId: "a", decimalOddsMilli: 2200 }] }],
      },
    ],
  });
  const read = toExplainedPrices(wire);
  expect(read).toMatchObject({ version: 1_800_000_000_000_001, publishedTimeMs: 2.5, source: "goals", overround: 1.06, figures: [] });
  expect(read.overroundWanted).toBeNaN();
  expect(read.outcomes[0]?.fairProbability).toBeNaN();
  expect(read.outcomes[0]?.priceByProvider.get("a")).toEqual({ decimalOddsMilli: 2200, fairProbability: Number.NaN });
});

describe("a question", () => {
  const question = (marketId: string): PriceQuestion => ({ fixtureId: "f", marketId, version: 0 });

  function newWhy() {
    const asked: { marketId: string; answer: (prices: ExplainedPrices) => void; refuse: (error: unknown) => void }[] = [];
    const client = {
      explainPrice: ({ marketId }: PriceQuestion) =>
        new Promise<ExplainedPrices>((answer, refuse) => void asked.push({ marketId, answer, refuse })),
    } as unknown as TradingClient;
    return { asked, why: new WhyState(client) };
  }

  test("that is on its way is not asked twice; once it is answered it is", async () => {
    const { asked, why } = newWhy();
    const first = why.ask(question("1x2"));
    await why.ask(question("1x2"));
    expect(asked).toHaveLength(1);
    asked[0]?.answer(prices());
    await first;
    expect(why.prices?.version).toBe(7);
    void why.ask(question("1x2"));
    expect(asked).toHaveLength(2);
  });

  test("is forgotten when another is asked: its late answer is not shown", async () => {
    const { asked, why } = newWhy();
    const first = why.ask(question("1x2"));
    const second = why.ask(question("btts"));
    asked[1]?.answer(prices({ marketId: "btts" }));
    await second;
    asked[0]?.answer(prices({ marketId: "1x2" }));
    await first;
    expect(why.prices?.marketId).toBe("btts");
  });

  test("that is refused says so until it is answered; the same refusal again is no news", async () => {
    const { asked, why } = newWhy();
    const fail = async (index: number, code: Code) => {
      const asking = why.ask(question("1x2"));
      asked[index]?.refuse(new ConnectError("no", code));
      await asking;
    };
    await fail(0, Code.Unavailable);
    const failure = why.failure;
    expect(failure?.kind).toBe("unreachable");
    await fail(1, Code.Unavailable);
    expect(why.failure).toBe(failure);
    const asking = why.ask(question("1x2"));
    asked[2]?.answer(prices());
    await asking;
    expect(why.failure).toBeNull();
  });
});
