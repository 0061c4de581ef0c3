/** Generated from the catalogue of market types in markets/ by `python protos/generate.py`; do not edit. */

/** In the order in which a match page shows them. */
export const MARKET_GROUPS = ["Popular", "Goals", "Totals", "Handicap", "Score", "Halves", "More"] as const;
export type MarketGroup = (typeof MARKET_GROUPS)[number];

/** What number the id of a market ends with. */
export type Line = "none" | "total" | "handicap" | "start" | "ordinal" | "count";

/** "{line}", "{signed}" and "{nth}" in the words stand for the line, with its sign, as an ordinal. */
export interface MarketType {
  readonly words: string;
  readonly group: MarketGroup;
  readonly line: Line;
}

/** Parts of a match by what ids of markets on them begin with. */
export const MATCH_PARTS: Readonly<Record<string, string>> = {
  first_half_: "First half",
  second_half_: "Second half",
};

export const MARKET_TYPES: Readonly<Record<string, MarketType>> = {
  "match_odds": { words: "Match odds", group: "Popular", line: "none" },
  "winner": { words: "Winner", group: "Popular", line: "none" },
  "outright": { words: "Winner of the competition", group: "More", line: "none" },
  "1x2": { words: "Match result", group: "Popular", line: "none" },
  "total_points": { words: "Total points {line}", group: "Totals", line: "total" },
  "home_points": { words: "Home points {line}", group: "Totals", line: "total" },
  "away_points": { words: "Away points {line}", group: "Totals", line: "total" },
  "points_handicap": { words: "Points handicap {signed}", group: "Handicap", line: "handicap" },
  "first_innings_runs": { words: "First innings runs {line}", group: "Totals", line: "total" },
  "second_innings_runs": { words: "Second innings runs {line}", group: "Totals", line: "total" },
  "double_chance": { words: "Double chance", group: "Popular", line: "none" },
  "draw_no_bet": { words: "Draw no bet", group: "Popular", line: "none" },
  "to_qualify": { words: "To qualify", group: "Popular", line: "none" },
  "next_goal": { words: "{nth} goal", group: "Popular", line: "ordinal" },
  "total": { words: "Total goals {line}", group: "Goals", line: "total" },
  "btts": { words: "Both teams to score", group: "Goals", line: "none" },
  "home_total": { words: "Home goals {line}", group: "Goals", line: "total" },
  "away_total": { words: "Away goals {line}", group: "Goals", line: "total" },
  "odd_even": { words: "Odd or even goals", group: "Goals", line: "none" },
  "exact_goals": { words: "Exact goals", group: "Goals", line: "none" },
  "home_exact_goals": { words: "Home exact goals", group: "Goals", line: "none" },
  "away_exact_goals": { words: "Away exact goals", group: "Goals", line: "none" },
  "goal_range": { words: "Goals between", group: "Goals", line: "none" },
  "home_clean_sheet": { words: "Home clean sheet", group: "Goals", line: "none" },
  "away_clean_sheet": { words: "Away clean sheet", group: "Goals", line: "none" },
  "race_to": { words: "Race to {line} goals", group: "Goals", line: "count" },
  "next_goal_minute": { words: "Minute of the {nth} goal", group: "Goals", line: "ordinal" },
  "handicap": { words: "Handicap {signed}", group: "Handicap", line: "handicap" },
  "european_handicap": { words: "European handicap {signed}", group: "Handicap", line: "start" },
  "correct_score": { words: "Correct score", group: "Score", line: "none" },
  "winning_margin": { words: "Winning margin", group: "Score", line: "none" },
  "home_win_to_nil": { words: "Home win to nil", group: "Score", line: "none" },
  "away_win_to_nil": { words: "Away win to nil", group: "Score", line: "none" },
  "half_time_full_time": { words: "Half-time / full-time", group: "Halves", line: "none" },
  "most_goals_half": { words: "Half with most goals", group: "Halves", line: "none" },
  "corners_total": { words: "Total corners {line}", group: "More", line: "total" },
  "home_corners_total": { words: "Home corners {line}", group: "More", line: "total" },
  "away_corners_total": { words: "Away corners {line}", group: "More", line: "total" },
  "most_corners": { words: "Most corners", group: "More", line: "none" },
  "cards_total": { words: "Total cards {line}", group: "More", line: "total" },
  "home_cards_total": { words: "Home cards {line}", group: "More", line: "total" },
  "away_cards_total": { words: "Away cards {line}", group: "More", line: "total" },
  "most_cards": { words: "Most cards", group: "More", line: "none" },
  "period_result": { words: "Result of the {nth} period", group: "More", line: "ordinal" },
  "win": { words: "To win", group: "Popular", line: "none" },
  "place": { words: "To be placed", group: "More", line: "none" },
  "place_2": { words: "To be in the first two", group: "Popular", line: "none" },
  "place_3": { words: "To be in the first three", group: "Popular", line: "none" },
  "place_4": { words: "To be in the first four", group: "Popular", line: "none" },
  "set_winner": { words: "Winner of the {nth} set", group: "Popular", line: "ordinal" },
  "set_betting": { words: "Score in sets", group: "Score", line: "none" },
  "total_sets": { words: "Total sets {line}", group: "Totals", line: "total" },
  "total_games": { words: "Total games {line}", group: "Totals", line: "total" },
  "sets_handicap": { words: "Sets handicap {signed}", group: "Handicap", line: "handicap" },
  "games_handicap": { words: "Games handicap {signed}", group: "Handicap", line: "handicap" },
};
