import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";

import type { Player } from "../src/pam/player";
import { SESSION_ENDED, SessionState } from "../src/pam/session.svelte";
import { announcer } from "../src/shared/announcer.svelte";
import type { PlayersClient } from "../src/pam/client";
import { authorizing } from "../src/wire/transport";
import { type FakeStorage, stubBrowser } from "./fake_storage";

const KEY = "overround.session.betslip";
let local: FakeStorage;
let window: EventTarget;

beforeEach(() => {
  ({ local, window } = stubBrowser());
  announcer.sentence = "";
});

function player(playerId: string): Player {
  return { playerId, username: playerId, role: 1, status: 1, currency: "EUR", timedOutUntilMs: 0, excludedUntilMs: 0 };
}

function loggedIn(token: string) {
  return { player: player(`player of ${token}`), session: { token, expiresTimeMs: 0 } };
}

/** A server that knows a player for each of these tokens, asked by the session's own. */
function playersOf(session: SessionState, tokens: readonly string[]): PlayersClient {
  return {
    getMe: async () => {
      const token = session.token ?? "";
      if (!tokens.includes(token)) throw new ConnectError("over", Code.Unauthenticated);
      return { player: player(`player of ${token}`), balance: null };
    },
    logOut: async () => undefined,
  } as unknown as PlayersClient;
}

/** What a tab is told when another one has changed the storage. */
function otherTabStores(token: string | null): void {
  if (token === null) local.removeItem(KEY);
  else local.setItem(KEY, token);
  window.dispatchEvent(Object.assign(new Event("storage"), { key: KEY }));
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("a session that is over", () => {
  test("takes its own token out of the storage", () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    session.end();
    expect(local.getItem(KEY)).toBeNull();
    expect(session.phase).toBe("signed_out");
  });

  test("leaves the token that another tab has put in its place", () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("old"));
    local.setItem(KEY, "new");
    session.end();
    expect(local.getItem(KEY)).toBe("new");
  });

  test("is not ended by the refusal of a token from before", () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("old"));
    session.begin(loggedIn("new"));
    session.refused("old");
    expect(session.phase).toBe("signed_in");
    expect(local.getItem(KEY)).toBe("new");
  });

  test("says so, and no longer once somebody logs in", () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    session.refused("a");
    expect(session).toMatchObject({ phase: "signed_out", hasEnded: true, player: null, balance: null });
    expect(announcer.sentence).toBe(SESSION_ENDED);
    session.begin(loggedIn("b"));
    expect(session.hasEnded).toBe(false);
  });

  test("ended by its own player needs no words", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    await session.logOut(playersOf(session, ["a"]));
    expect(session).toMatchObject({ phase: "signed_out", hasEnded: false });
    expect(announcer.sentence).not.toBe(SESSION_ENDED);
  });
});

describe("what another tab does with the session", () => {
  test("logging out signs this one out at once and says so", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    const stop = session.start(playersOf(session, ["a"]));
    otherTabStores(null);
    expect(session).toMatchObject({ phase: "signed_out", hasEnded: true, player: null });
    stop();
  });

  test("logging in signs this one in as the same player", async () => {
    const session = new SessionState(KEY);
    const stop = session.start(playersOf(session, ["b"]));
    otherTabStores("b");
    expect(session.playerId).toBeNull();
    await settled();
    expect(session.playerId).toBe("player of b");
    stop();
  });

  test("another player's log-in forgets this one's at once", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    const stop = session.start(playersOf(session, ["a", "b"]));
    otherTabStores("b");
    expect(session).toMatchObject({ phase: "unknown", player: null, balance: null });
    await settled();
    expect(session.playerId).toBe("player of b");
    stop();
  });

  test("an answer about the player before changes nothing", async () => {
    local.setItem(KEY, "a");
    const session = new SessionState(KEY);
    let answer: (value: unknown) => void = () => undefined;
    const slow = { getMe: () => new Promise((resolve) => (answer = resolve)) } as unknown as PlayersClient;
    const resuming = session.resume(slow);
    session.begin(loggedIn("b"));
    answer({ player: player("player of a"), balance: null });
    await resuming;
    expect(session.playerId).toBe("player of b");
  });

  test("other keys of the storage are no business of a session", () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    const stop = session.start(playersOf(session, ["a"]));
    window.dispatchEvent(Object.assign(new Event("storage"), { key: "overround.theme" }));
    expect(session.phase).toBe("signed_in");
    stop();
  });
});

describe("a call", () => {
  const call = async (session: SessionState, error: unknown) => {
    const send = authorizing(session)(async () => {
      await settled();
      throw error;
    });
    await expect(send({ header: new Headers() } as never)).rejects.toBe(error);
  };

  test("whose token is refused ends that session", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    await call(session, new ConnectError("over", Code.Unauthenticated));
    expect(session.hasEnded).toBe(true);
  });

  test("whose token is refused late leaves the session that has begun meanwhile", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    const calling = call(session, new ConnectError("over", Code.Unauthenticated));
    session.begin(loggedIn("b"));
    await calling;
    expect(session.phase).toBe("signed_in");
  });

  test("that fails otherwise leaves the session", async () => {
    const session = new SessionState(KEY);
    session.begin(loggedIn("a"));
    await call(session, new ConnectError("down", Code.Unavailable));
    expect(session.phase).toBe("signed_in");
  });
});
