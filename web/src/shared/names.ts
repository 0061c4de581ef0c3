/** Market and outcome names for canonical ids; an unknown id stays readable. */

/** What names may be made from: who plays, and runners whose names the ids do not carry. */
export interface NamedFixture {
  readonly homeName: string;
  readonly awayName: string;
  readonly participantNames: ReadonlyMap<string, string>;
}

/** Groups in the order in which a match page shows them. */
export const MARKET_GROUPS = ["Popular", "Goals", "Handicap", "Score", "Halves", "More"] as const;
export type MarketGroup = (typeof MARKET_GROUPS)[number];

const MARKET_NAMES: Readonly<Record<string, string>> = {
  "1x2": "Match result",
  match_odds: "Match odds",
  win: "To win",
  btts: "Both teams to score",
  double_chance: "Double chance",
  draw_no_bet: "Draw no bet",
  correct_score: "Correct score",
  odd_even: "Odd or even goals",
  home_total: "Home goals",
  away_total: "Away goals",
  goal_range: "Goals between",
  half_time_full_time: "Half-time / full-time",
  most_goals_half: "Half with most goals",
};

const HALVES: Readonly<Record<string, string>> = { first_half_: "First half", second_half_: "Second half" };

const ORDINALS = ["", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth"];

const GROUPS: Readonly<Record<string, MarketGroup>> = {
  "1x2": "Popular",
  match_odds: "Popular",
  win: "Popular",
  double_chance: "Popular",
  draw_no_bet: "Popular",
  next_goal: "Popular",
  total: "Goals",
  btts: "Goals",
  home_total: "Goals",
  away_total: "Goals",
  odd_even: "Goals",
  exact_goals: "Goals",
  goal_range: "Goals",
  home_clean_sheet: "Goals",
  away_clean_sheet: "Goals",
  handicap: "Handicap",
  european_handicap: "Handicap",
  correct_score: "Score",
  winning_margin: "Score",
  home_win_to_nil: "Score",
  away_win_to_nil: "Score",
  half_time_full_time: "Halves",
  most_goals_half: "Halves",
};

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
  const prefix = Object.keys(HALVES).find((start) => marketId.startsWith(start)) ?? "";
  return { half: HALVES[prefix] ?? "", whole: marketId.slice(prefix.length) };
}

export function marketGroup(marketId: string): MarketGroup {
  if (halfOf(marketId).half) return "Halves";
  return GROUPS[marketKey(marketId).type] ?? "More";
}

export function marketName(marketId: string): string {
  const { half, whole } = halfOf(marketId);
  if (half) return `${half}: ${lowerFirst(marketName(whole))}`;
  const { type, specifier } = marketKey(marketId);
  if (type === "total") return `Total goals ${specifier}`;
  if (type === "handicap") return `Handicap ${signed(specifier)}`;
  if (type === "european_handicap") return `European handicap ${signed(specifier)}`;
  if (type === "next_goal") return `${ORDINALS[Number(specifier)] ?? `${specifier}th`} goal`;
  if (type === "betfair") return readable(specifier.replace(":", " · "));
  if (type === "uof") return `Market ${specifier.replace(":", " · ")}`;
  const name = MARKET_NAMES[type] ?? readable(type);
  return specifier ? `${name} ${specifier}` : name;
}

export function outcomeName(marketId: string, outcomeId: string, fixture: NamedFixture): string {
  const named = fixture.participantNames.get(outcomeId);
  if (named) return named;
  const { type, specifier } = marketKey(halfOf(marketId).whole);
  const home = fixture.homeName || "Home";
  const away = fixture.awayName || "Away";
  const isHandicap = type === "handicap" || type === "european_handicap";
  if (isHandicap && outcomeId === "home") return `${home} ${signed(specifier)}`;
  if (isHandicap && outcomeId === "away") return `${away} ${signed(negated(specifier))}`;
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
  const isHandicap = type === "handicap" || type === "european_handicap";
  if (isHandicap && outcomeId === "home") return `${signed(specifier)} ${fixture.homeName}`;
  if (isHandicap && outcomeId === "away") return `${signed(negated(specifier))} ${fixture.awayName}`;
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
  return lower.charAt(0).toUpperCase() + lower.slice(1);
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
