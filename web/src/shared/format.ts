/** Numbers, money, odds and times as people read them. */

export interface Money {
  readonly amountMinor: number;
  readonly currency: string;
}

/** What the contract has where a currency is not known: an amount is written without one, and never with another. */
export const UNKNOWN_CURRENCY = "";

export type OddsFormat = "decimal" | "fractional" | "american";

const locale = typeof navigator === "undefined" ? "en-GB" : navigator.language;

/** Digits after the point by currency, as Intl knows them. */
const minorDigits = new Map<string, number>();
const moneyFormats = new Map<string, Intl.NumberFormat>();

function inCurrency(currency: string): Intl.NumberFormatOptions {
  return currency === UNKNOWN_CURRENCY ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { style: "currency", currency };
}

export function moneyFormat(currency: string): Intl.NumberFormat {
  let format = moneyFormats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat(locale, inCurrency(currency));
    moneyFormats.set(currency, format);
  }
  return format;
}

const currencyNames = new Intl.DisplayNames(locale, { type: "currency" });

/** "Swedish Krona". */
export function currencyName(currency: string): string {
  return currencyNames.of(currency) ?? currency;
}

export function minorDigitsOf(currency: string): number {
  let digits = minorDigits.get(currency);
  if (digits === undefined) {
    digits = moneyFormat(currency).resolvedOptions().maximumFractionDigits ?? 2;
    minorDigits.set(currency, digits);
  }
  return digits;
}

/** "€10.00": always with its currency. */
export function formatMoney(money: Money): string {
  return moneyFormat(money.currency).format(money.amountMinor / 10 ** minorDigitsOf(money.currency));
}

const shortMoneyFormats = new Map<string, Intl.NumberFormat>();

/** "€12.4K": for columns that are compared at a glance; the full amount belongs on the hover. */
export function formatMoneyShort(money: Money): string {
  let format = shortMoneyFormats.get(money.currency);
  if (!format) {
    const options = { ...inCurrency(money.currency), notation: "compact", maximumSignificantDigits: 3 } as const;
    format = new Intl.NumberFormat(locale, options);
    shortMoneyFormats.set(money.currency, format);
  }
  return format.format(money.amountMinor / 10 ** minorDigitsOf(money.currency));
}

const profitFormats = new Map<string, Intl.NumberFormat>();

/** "+€1,204" or "−€310": what we win or lose, to the whole unit, always with its sign. */
export function formatProfit(money: Money): string {
  let format = profitFormats.get(money.currency);
  if (!format) {
    const digits = { minimumFractionDigits: 0, maximumFractionDigits: 0 };
    const options = { ...inCurrency(money.currency), ...digits, signDisplay: "exceptZero" } as const;
    format = new Intl.NumberFormat(locale, options);
    profitFormats.set(money.currency, format);
  }
  return format.format(money.amountMinor / 10 ** minorDigitsOf(money.currency)).replace("-", "−");
}

/** "10.00": for an input that shows its currency beside it. */
export function formatAmount(amountMinor: number, currency: string): string {
  const digits = minorDigitsOf(currency);
  return (amountMinor / 10 ** digits).toFixed(digits);
}

/**
 * Minor units of what somebody typed ("12", "12.5", "12,50"); null where it is no amount.
 *
 * Text to integer without a float between, so that 1.13 is 113 and never 112.
 */
export function parseAmountMinor(text: string, currency: string): number | null {
  const digits = minorDigitsOf(currency);
  const match = /^(\d{0,9})(?:[.,](\d*))?$/.exec(text.trim());
  if (!match) return null;
  const whole = match[1] ?? "";
  const fraction = match[2] ?? "";
  if (whole + fraction === "" || fraction.length > digits) return null;
  return Number(whole || "0") * 10 ** digits + Number(fraction.padEnd(digits, "0") || "0");
}

/** Stake times the odds of every leg, rounded down once to the minor unit, as the ledger does it. */
export function potentialReturnMinor(stakeMinor: number, ...decimalOddsMilli: readonly number[]): number {
  const product = decimalOddsMilli.reduce((minor, odds) => minor * BigInt(odds), BigInt(stakeMinor));
  return Number(product / 1000n ** BigInt(decimalOddsMilli.length));
}

/** A price by the viewer's format; "–" where the outcome is not offered. */
export function formatOdds(decimalOddsMilli: number, format: OddsFormat): string {
  if (decimalOddsMilli <= 1000) return "–";
  if (format === "fractional") return fractionalOdds(decimalOddsMilli);
  if (format === "american") return americanOdds(decimalOddsMilli);
  // Thousandths are real (1.005, 1.125) but nearly always zero: two digits, three where the third says something.
  return (decimalOddsMilli / 1000).toFixed(decimalOddsMilli % 10 === 0 ? 2 : 3);
}

function fractionalOdds(decimalOddsMilli: number): string {
  const profitMilli = decimalOddsMilli - 1000;
  const divisor = greatestCommonDivisor(profitMilli, 1000);
  return `${profitMilli / divisor}/${1000 / divisor}`;
}

function americanOdds(decimalOddsMilli: number): string {
  const profitMilli = decimalOddsMilli - 1000;
  if (profitMilli >= 1000) return `+${Math.round(profitMilli / 10)}`;
  return `−${Math.round(100_000 / profitMilli)}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const timeOnly = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const timeSeconds = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const timeOfTrade = new Intl.DateTimeFormat(locale, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const dayAndTime = new Intl.DateTimeFormat(locale, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const timeFull = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });

/** "20:45" today, "Sat 22 Nov, 20:45" on another day; in the viewer's zone. */
export function formatTime(timeMs: number, nowMs: number): string {
  const isToday = new Date(timeMs).toDateString() === new Date(nowMs).toDateString();
  return (isToday ? timeOnly : dayAndTime).format(timeMs);
}

/** With seconds, for what happens now. */
export function formatClockTime(timeMs: number): string {
  return timeSeconds.format(timeMs);
}

/** "14:03:22" in every locale: columns of times stay narrow and compare at a glance. */
export function formatTradeTime(timeMs: number): string {
  return timeOfTrade.format(timeMs);
}

/** With day and zone: for the hover. */
export function formatFullTime(timeMs: number): string {
  return timeFull.format(timeMs);
}

/** "in 5 min", "in 2 h"; the plain time when further off. */
export function formatStart(startTimeMs: number, nowMs: number): string {
  if (startTimeMs <= 0) return "Time to be announced";
  const minutes = Math.ceil((startTimeMs - nowMs) / 60_000);
  if (minutes > 0 && minutes < 60) return `in ${minutes} min`;
  return formatTime(startTimeMs, nowMs);
}

/** "4 s", "3 min", "2 h": how long ago or how long still. */
export function formatAge(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

const wholeNumber = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const percentage = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return wholeNumber.format(count);
}

/** "–" for NaN: nothing to take a share of. */
export function formatPercent(ratio: number): string {
  return Number.isNaN(ratio) ? "–" : percentage.format(ratio);
}
