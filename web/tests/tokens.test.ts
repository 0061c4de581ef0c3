import { describe, expect, test } from "vitest";

import css from "../src/shared/tokens.css?raw";

const PAIR = /--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g;
const COLOURS = new Map([...css.matchAll(PAIR)].map(([, name = "", light = "", dark = ""]) => [name, { light, dark }]));
const INKS = ["ink", "ink-muted", "ink-faint", "accent", "warm", "up", "down", "live"];
const GROUNDS = [
  ...["ground", "surface", "surface-raised", "surface-sunken", "price", "price-hover"],
  ...["accent-soft", "warm-soft", "up-soft", "down-soft", "live-soft"],
];
/** WCAG 2.2, 1.4.3 for text of ordinary size. */
const CONTRAST_MIN = 4.5;

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const share = parseInt(colour.slice(place, place + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

describe.each(["light", "dark"] as const)("%s", (theme) => {
  const colour = (name: string) => COLOURS.get(name)?.[theme] ?? "";

  test.each(INKS)("%s reads on every ground", (ink) => {
    const faint = GROUNDS.filter((ground) => !(contrast(colour(ink), colour(ground)) >= CONTRAST_MIN));
    expect(faint).toEqual([]);
  });

  test("what is written on the accent reads", () => {
    expect(contrast(colour("accent-ink"), colour("accent"))).toBeGreaterThanOrEqual(CONTRAST_MIN);
  });
});
