/** Keys of the desk: which key asks for what. */

export type DeskAction =
  | "next"
  | "previous"
  | "open"
  | "back"
  | "suspend_market"
  | "suspend_fixture"
  | "take_back"
  | "explain"
  | "filter"
  | "help"
  | "go_fixtures"
  | "go_markets"
  | "go_risk"
  | "go_ticker";

export interface KeyPress {
  readonly key: string;
  readonly isModified: boolean;
}

const PLAIN: Readonly<Record<string, DeskAction>> = {
  j: "next",
  ArrowDown: "next",
  k: "previous",
  ArrowUp: "previous",
  Enter: "open",
  Escape: "back",
  s: "suspend_market",
  S: "suspend_fixture",
  u: "take_back",
  e: "explain",
  "/": "filter",
  "?": "help",
};

const AFTER_G: Readonly<Record<string, DeskAction>> = {
  f: "go_fixtures",
  m: "go_markets",
  r: "go_risk",
  t: "go_ticker",
};

export const KEY_HELP: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["j", "k"], does: "Next or previous fixture or market" },
  { keys: ["Enter"], does: "Open the fixture" },
  { keys: ["Esc"], does: "Back to the fixtures" },
  { keys: ["s"], does: "Suspend or resume the market that the foot names" },
  { keys: ["Shift", "s"], does: "Suspend or resume the fixture that the foot names" },
  { keys: ["u"], does: "Take the last command back" },
  { keys: ["e"], does: "Explain the prices of the market" },
  { keys: ["/"], does: "Filter fixtures" },
  { keys: ["g", "f m r t"], does: "Go to fixtures, markets, risk, ticker" },
  { keys: ["?"], does: "This help" },
];

/** How long a "g" waits for its letter. */
export const G_WAIT_MS = 1_200;

/** What a key asks for; `isAfterG` where a "g" came just before. Null for none of ours. */
export function actionOf(press: KeyPress, isAfterG: boolean): DeskAction | null {
  if (press.isModified) return null;
  return (isAfterG ? AFTER_G[press.key] : PLAIN[press.key]) ?? null;
}
