/** Market and outcome names for canonical ids; an unknown id stays readable. */

/** What names may be made from: who plays, and runners whose names the ids do not carry. */
export interface NamedFixture {
  readonly homeName: string;
  readonly awayName: string;
  readonly participantNames: ReadonlyMap<string, string>;
}

/** Groups in the order in which a match page shows them. */
export const MARKET_GROUPS = ["Popular", "Goals", "Handicap", "Score", "More"] as const;
export type MarketGroup = (typeof MARKET_GROUPS)[number];

const MARKET_NAMES: Readonly<Record<string, string>> = {
  "1x2": "Match result",
  match_odds: "Match odds",
  win: "To win",
  btts: "Both teams to score",
  double_chance: "Double chance",
  draw_no_bet: "Draw no bet",
  correct_score: "Correct score",
};

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
  handicap: "Handicap",
  correct_score: "Score",
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

export function marketGroup(marketId: string): MarketGroup {
  return GROUPS[marketKey(marketId).type] ?? "More";
}

export function marketName(marketId: string): string {
  const { type, specifier } = marketKey(marketId);
  if (type === "total") return `Total goals ${specifier}`;
  if (type === "handicap") return `Handicap ${signed(specifier)}`;
  if (type === "next_goal") return `${ORDINALS[Number(specifier)] ?? `${specifier}th`} goal`;
  if (type === "betfair") return readable(specifier);
  if (type === "uof") return `Market ${specifier.replace(":", " · ")}`;
  const name = MARKET_NAMES[type] ?? readable(type);
  return specifier ? `${name} ${specifier}` : name;
}

export function outcomeName(marketId: string, outcomeId: string, fixture: NamedFixture): string {
  const named = fixture.participantNames.get(outcomeId);
  if (named) return named;
  const { type, specifier } = marketKey(marketId);
  const home = fixture.homeName || "Home";
  const away = fixture.awayName || "Away";
  if (type === "handicap" && outcomeId === "home") return `${home} ${signed(specifier)}`;
  if (type === "handicap" && outcomeId === "away") return `${away} ${signed(negated(specifier))}`;
  if (type === "total" && outcomeId === "over") return `Over ${specifier}`;
  if (type === "total" && outcomeId === "under") return `Under ${specifier}`;
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
      return /^\d+-\d+$/.test(outcomeId) ? outcomeId.replace("-", "–") : readable(outcomeId);
  }
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

function signed(line: string): string {
  if (/^[+-]?0*(\.0*)?$/.test(line)) return "0";
  return line.startsWith("-") ? `−${line.slice(1)}` : `+${line.replace(/^\+/, "")}`;
}

function negated(line: string): string {
  return line.startsWith("-") ? line.slice(1) : `-${line.replace(/^\+/, "")}`;
}
