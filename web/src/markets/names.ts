/** Market and outcome names for canonical ids; an unknown id stays readable. */
import { MARKET_TYPES, MATCH_PARTS, type MarketGroup } from "./gen/market_types";

export { MARKET_GROUPS, type MarketGroup } from "./gen/market_types";

/** What names may be made from: who plays, and runners whose names the ids do not carry. */
export interface NamedFixture {
  readonly homeName: string;
  readonly awayName: string;
  readonly participantNames: ReadonlyMap<string, string>;
}

const ORDINALS = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

interface MarketKey {
  readonly type: string;
  readonly specifier: string;
}

export function marketKey(marketId: string): MarketKey {
  const colon = marketId.indexOf(":");
  return colon < 0
    ? { type: marketId, specifier: "" }
    : { type: marketId.slice(0, colon), specifier: marketId.slice(colon + 1) };
}

/** The half a market is about, and its id without that; of the whole match the half is empty. */
function halfOf(marketId: string): { half: string; whole: string } {
  const prefix = Object.keys(MATCH_PARTS).find((start) => marketId.startsWith(start)) ?? "";
  return { half: MATCH_PARTS[prefix] ?? "", whole: marketId.slice(prefix.length) };
}

export function marketGroup(marketId: string): MarketGroup {
  if (halfOf(marketId).half) return "Halves";
  return MARKET_TYPES[marketKey(marketId).type]?.group ?? "More";
}

export function marketName(marketId: string): string {
  const { half, whole } = halfOf(marketId);
  if (half) return `${half}: ${lowerFirst(marketName(whole))}`;
  const { type, specifier } = marketKey(marketId);
  if (type === "betfair") return readable(specifier.replace(":", " · "));
  if (type === "uof") return `Market ${specifier.replace(":", " · ")}`;
  const words = MARKET_TYPES[type]?.words ?? readable(type);
  const name = words
    .replace("{line}", specifier)
    .replace("{signed}", specifier && signed(specifier))
    .replace("{nth}", ORDINALS[Number(specifier)] ?? `${specifier}th`);
  return upperFirst(name === words && specifier ? `${name} ${specifier}` : name).trim();
}

/** Whether the home side is given something before scores are compared. */
function isHandicap(type: string): boolean {
  return ["handicap", "start"].includes(MARKET_TYPES[type]?.line ?? "");
}

export function outcomeName(marketId: string, outcomeId: string, fixture: NamedFixture): string {
  const named = fixture.participantNames.get(outcomeId);
  if (named) return named;
  const { type, specifier } = marketKey(halfOf(marketId).whole);
  const home = fixture.homeName || "Home";
  const away = fixture.awayName || "Away";
  if (isHandicap(type) && outcomeId === "home") return `${home} ${signed(specifier)}`;
  if (isHandicap(type) && outcomeId === "away") return `${away} ${signed(negated(specifier))}`;
  if (type === "half_time_full_time") {
    return outcomeId
      .split("/")
      .map((result) => outcomeName("1x2", result, fixture))
      .join(" / ");
  }
  if (type === "winning_margin" && outcomeId.includes(":")) {
    const [side = "", goals = ""] = outcomeId.split(":");
    return `${outcomeName("1x2", side, fixture)} by ${orMore(goals)}`;
  }
  if (type === "most_goals_half" && outcomeId !== "equal") return `${readable(outcomeId)} half`;
  if (outcomeId === "over") return specifier ? `Over ${specifier}` : "Over";
  if (outcomeId === "under") return specifier ? `Under ${specifier}` : "Under";
  switch (outcomeId) {
    case "home":
      return home;
    case "away":
      return away;
    case "draw":
      return "Draw";
    case "none":
      return "No goal";
    case "1x":
      return `${home} or draw`;
    case "12":
      return type === "double_chance" ? `${home} or ${away}` : outcomeId;
    case "x2":
      return `Draw or ${away}`;
    default:
      return /^\d/.test(outcomeId) ? orMore(outcomeId.replace("-", "–")) : readable(outcomeId);
  }
}

/** Two labels that differ later than this may look alike where they are cut, on the narrowest phone. */
const DIFFERENCE_SEEN_TO = 7;
const SIDE_LETTERS: Readonly<Record<string, string>> = { home: "H", draw: "D", away: "A" };

/**
 * What a button or a bar shows of each outcome of a market where full names would be cut: what tells them apart comes
 * first. Readers are given the full names.
 */
export function outcomeLabels(marketId: string, outcomeIds: readonly string[], fixture: NamedFixture): readonly string[] {
  const [homeName = "", awayName = ""] = toldApart([fixture.homeName || "Home", fixture.awayName || "Away"]);
  const sides = { ...fixture, homeName, awayName };
  return toldApart(outcomeIds.map((outcomeId) => outcomeLabel(marketId, outcomeId, sides)));
}

function outcomeLabel(marketId: string, outcomeId: string, fixture: NamedFixture): string {
  const { type, specifier } = marketKey(halfOf(marketId).whole);
  if (fixture.participantNames.has(outcomeId)) return outcomeName(marketId, outcomeId, fixture);
  if (type === "double_chance") return outcomeId.toUpperCase();
  if (type === "half_time_full_time") {
    return outcomeId.split("/").map((result) => SIDE_LETTERS[result] ?? readable(result)).join("/");
  }
  if (type === "winning_margin" && outcomeId.includes(":")) {
    const [side = "", goals = ""] = outcomeId.split(":");
    return `${SIDE_LETTERS[side] ?? readable(side)} by ${goals}`;
  }
  if (isHandicap(type) && outcomeId === "home") return `${signed(specifier)} ${fixture.homeName}`;
  if (isHandicap(type) && outcomeId === "away") return `${signed(negated(specifier))} ${fixture.awayName}`;
  return outcomeName(marketId, outcomeId, fixture);
}

/** Names of which no two begin alike for longer than can be seen; what they have in common is left out. */
function toldApart(names: readonly string[]): readonly string[] {
  return names.map((name, index) => {
    if (names.some((other, place) => place !== index && other === name)) return `${index + 1} ${name}`;
    const shared = Math.max(...names.map((other, place) => (place === index ? 0 : sharedLength(name, other))));
    if (shared <= DIFFERENCE_SEEN_TO || shared === name.length) return name;
    const wordStart = Math.max(...[" ", "/"].map((gap) => name.lastIndexOf(gap, shared - 1))) + 1;
    const isLongWord = wordStart === 0 || shared - wordStart > DIFFERENCE_SEEN_TO;
    return `…${name.slice(isLongWord ? shared : wordStart).trimStart()}`;
  });
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** "Football" for "football", "Horse racing" for "horse-racing". */
export function sportName(sport: string): string {
  return readable(sport || "other");
}

function readable(id: string): string {
  const words = id.replace(/[_-]+/g, " ").trim();
  const lower = words === words.toUpperCase() ? words.toLowerCase() : words;
  return upperFirst(lower);
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** "3 or more" for "3+". */
function orMore(count: string): string {
  return count.endsWith("+") ? `${count.slice(0, -1)} or more` : count;
}

function signed(line: string): string {
  if (/^[+-]?0*(\.0*)?$/.test(line)) return "0";
  return line.startsWith("-") ? `−${line.slice(1)}` : `+${line.replace(/^\+/, "")}`;
}

function negated(line: string): string {
  return line.startsWith("-") ? line.slice(1) : `-${line.replace(/^\+/, "")}`;
}
