/**
 * A sentence for every reason that a call of a screen can be refused with: what stood in the way, and what works instead.
 *
 * The reasons are the server's, stable and published. `tests/unit/web/test_refusal_words.py` holds the two against each other.
 */

/** Figures that come with a refusal stand in braces. */
const SENTENCES: Readonly<Record<string, string>> = {
  // A bet.
  BET_TYPE_UNSUPPORTED: "We take this as single bets only: place each selection by itself.",
  SLIP_UNSUPPORTED: "We take one bet at a time: place each selection by itself.",
  BOOK_VERSION_UNKNOWN: "The price you saw is not one we know; press again for the one you see now.",
  CURRENCY_MISMATCH: "The amount has to be in the currency of your account; reload the page and try again.",
  FIXTURE_UNKNOWN: "This match is over or not offered any more; choose another.",
  INSUFFICIENT_FUNDS: "Your balance, without what bets under way take of it, was too low; stake less, or deposit.",
  LIABILITY_LIMIT_EXCEEDED: "We have taken nearly as much on this market as we can; stake less, or choose another market.",
  LEGS_CONTRADICTORY: "These cannot all come about in one match; take one of them out.",
  LEGS_OUT_OF_RANGE: "A bet builder has from 1 to 12 different selections; take some out.",
  LEG_NOT_COMBINABLE: "One of these cannot be combined with others now; take it out, or bet on it by itself.",
  LEG_NOT_OFFERED: "One of these is not on offer now; take it out, or wait for its price.",
  MARKET_CLOSED: "The market takes no more bets; choose another one.",
  MARKET_SUSPENDED: "It was suspended while your bet was on its way; it usually opens again within seconds.",
  MARKET_UNKNOWN: "This market is not offered any more; choose another.",
  OUTCOME_NOT_OFFERED: "It was taken off the board while your bet was on its way; choose another, or wait for its price.",
  OUTCOME_UNKNOWN: "This selection is not offered any more; choose another.",
  PLAYER_STAKE_LIMIT_EXCEEDED:
    "With your open bets this is more than we take from one player on a market; stake less, or choose another market.",
  PRICE_CHANGED: "The price moved while your bet was on its way; press again if you take the new one.",
  PRICING_UNAVAILABLE: "Pricing is down for the moment; try again when prices move.",
  RISK_UNAVAILABLE: "We could not check your bet in time; try again in a moment.",
  STAKE_BELOW_MINIMUM: "The stake is below the least we take; stake more.",
  STAKE_LIMIT_EXCEEDED: "The stake is above the most we take on this; stake less.",
  SYSTEM_MALFORMED: "There is no such bet on these selections; choose another type, or other selections.",
  TOO_MANY_BETS_UNDER_WAY: "Too many of your bets are under way; try again when one of them is answered.",
  TOO_MANY_REFUSALS: "Too many of your bets were refused lately; wait a minute, then try again.",
  BET_UNKNOWN: "Your account has no such bet; My bets lists those it has.",

  // A game.
  GAME_CYCLE_TOO_SHORT: "Your last spin is not long enough ago; wait a moment, then press again.",
  GAME_UNKNOWN: "This game is not offered now; choose another.",
  RANDOMNESS_UNAVAILABLE: "Games are closed while their random numbers are checked; nothing was staked, try again in a minute.",
  ROUND_UNKNOWN: "Your account has no such round; Games lists your last ones.",
  STAKE_NOT_DIVISIBLE: "The stake has to be as much on every line; choose another.",

  // Who calls.
  BETTOR_REQUIRED: "You are logged in as a trader, who cannot bet; log in with a bettor's account.",
  LOGIN_RATE_LIMITED: "Too many log-ins failed; try again in {retry_s} s.",
  LOG_IN_REFUSED: "Username or password is wrong.",
  METHOD_CLOSED: "That is not open to anybody here; reload the page.",
  PASSWORD_MALFORMED: "The password does not fit; choose one of 10 to 128 characters.",
  PLACE_NOT_PERMITTED: "That is not offered where you are; see our terms for where it is.",
  PLAYER_BLOCKED: "This account is blocked; write to support.",
  PRODUCT_NOT_PERMITTED: "That is not offered here now; see our terms for what is.",
  PLAYER_UNKNOWN: "We do not know this account any more; log in again.",
  SESSION_REQUIRED: "Your session has ended; log in again.",
  SESSIONS_UNAVAILABLE: "We could not look up your session; try again in a moment.",
  TRADER_REQUIRED: "Only a trader may do that; log in with a trader's account.",
  USERNAME_MALFORMED: "The username does not fit; choose 3 to 32 of a–z, 0–9, _ . -",
  USERNAME_TAKEN: "That username is taken; choose another.",

  // Who may play, and how players protect themselves.
  COUNTRY_NOT_SERVED: "We do not offer this where you live; see our terms for where we do.",
  DEPOSIT_LIMIT_EXCEEDED: "That is more than your own deposit limit leaves; deposit less.",
  EXCLUDED_BY_REGISTER: "You excluded yourself from gambling everywhere; the register can tell you until when.",
  EXCLUSION_REGISTER_UNAVAILABLE: "The register of exclusions did not answer, and we let nobody in without it; try again in a moment.",
  LIMIT_OUT_OF_RANGE: "That is less or more than can be chosen; choose another amount or time.",
  LIMIT_RAISE_UNKNOWN: "There is no higher limit to confirm; ask for one first.",
  LIMIT_RAISE_WAITS: "A higher limit waits for a day; confirm it then.",
  PERSONAL_DATA_MALFORMED: "Something you told us about yourself does not fit; check it and try again.",
  PERSONAL_DATA_REQUIRED: "The law where you live asks for more about you; fill in what is missing.",
  PLAYER_EXCLUDED: "You excluded yourself; what you have open is settled, and your money stays yours.",
  PLAYER_TIMED_OUT: "You are taking a break; you can play again when it is over.",
  UNDER_AGE: "You have to be {age_years_min} or older to play; come back when you are.",

  // Money.
  AMOUNT_OUT_OF_RANGE: "That is more or less than we take at once; choose another amount.",
  DEPOSIT_UNKNOWN: "We know no such deposit of yours; look at your list of deposits.",
  PAYMENT_METHOD_UNAVAILABLE: "We cannot take money that way now; choose another way to pay.",
  LEDGER_UNAVAILABLE: "We could not write it down in time; try again in a moment.",
  TEST_MONEY_REFUSED: "Test money is only for the local system; ask whoever runs this one how to pay in.",

  // The desk.
  EXPLANATION_EXPIRED: "These prices are too old to be explained; ask about the newest ones.",
  EXPLANATION_UNAVAILABLE: "The explanation cannot be read now; try again in a moment.",
  EXPLANATION_UNKNOWN: "There are no such prices; ask about the newest ones.",
  TRADING_UNAVAILABLE: "The log did not confirm the command in time; send it again, it counts once.",

  // Any call.
  DEADLINE_EXCEEDED: "It took too long; try again in a moment.",
  ID_MALFORMED: "There is nothing under this address; check it, or go back.",
  INTERNAL: "Something failed on our side; try again, and quote {error_id} if it fails again.",
  OVERLOADED: "Very many requests are coming in; try again in a moment.",
  REQUEST_ID_REUSED: "This was sent before with other content; reload the page and try again.",
  REQUEST_MALFORMED: "The server did not understand this page; reload it and try again.",
  TOO_MANY_CALLS: "Too many requests came from here; try again in a moment, or close other tabs.",
  TOO_MANY_FIXTURES: "That is more matches than can be watched at once; open fewer.",
  ANSWER_OVERSIZED: "That is more than can be shown at once; ask for less of it.",
  REQUEST_OVERSIZED: "That is more than can be asked for at once; ask for less.",
  TOO_MANY_REQUESTS: "Too many requests came from here; try again in a moment.",
  TOO_MANY_WATCHERS: "Too many people are watching; it is tried again by itself.",
};

/** The words for a reason, null for one that is not known here. */
export function refusalWords(reason: string, figures: ReadonlyMap<string, string> = new Map()): string | null {
  const sentence = SENTENCES[reason];
  return sentence?.replace(/\{(\w+)\}/g, (_, name: string) => figures.get(name) ?? "some") ?? null;
}
