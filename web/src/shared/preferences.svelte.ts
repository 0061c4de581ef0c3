/** What a viewer chose, kept in this browser. */
import type { OddsFormat } from "./format";

export type Theme = "system" | "light" | "dark";

const ODDS_FORMATS: readonly OddsFormat[] = ["decimal", "fractional", "american"];

/** Reads a stored choice; private windows may refuse storage, which leaves the default. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeStored(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // The choice holds until the page is left.
  }
}

function storedOddsFormat(): OddsFormat {
  const stored = readStored("overround.odds_format");
  return ODDS_FORMATS.find((format) => format === stored) ?? "decimal";
}

function storedTheme(fallback: Theme): Theme {
  const stored = readStored("overround.theme");
  return stored === "light" || stored === "dark" ? stored : fallback;
}

class Preferences {
  oddsFormat = $state<OddsFormat>(storedOddsFormat());
  theme = $state<Theme>(storedTheme("system"));

  chooseOddsFormat(format: OddsFormat): void {
    this.oddsFormat = format;
    writeStored("overround.odds_format", format);
  }

  chooseTheme(theme: Theme): void {
    this.theme = theme;
    writeStored("overround.theme", theme === "system" ? null : theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const preferences = new Preferences();
