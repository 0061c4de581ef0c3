import { describe, expect, test } from "vitest";

import { reconnectDelayMs, type StreamClock, StreamRunner, type StreamStatus } from "../src/wire/streams";

/** A clock that moves when told to. */
class FakeClock implements StreamClock {
  nowMs = 0;
  readonly waits: number[] = [];
  #ticks: (() => void)[] = [];
  #wakers: (() => void)[] = [];
  #resume: (() => void) | null = null;

  now = (): number => this.nowMs;
  random = (): number => 1;

  wait(delayMs: number, signal: AbortSignal): Promise<void> {
    this.waits.push(delayMs);
    return new Promise((resolve) => {
      this.#resume = resolve;
      signal.addEventListener("abort", () => resolve());
    });
  }

  every(_periodMs: number, action: () => void): () => void {
    this.#ticks.push(action);
    return () => (this.#ticks = this.#ticks.filter((tick) => tick !== action));
  }

  onWake(action: () => void): () => void {
    this.#wakers.push(action);
    return () => (this.#wakers = this.#wakers.filter((waker) => waker !== action));
  }

  async advance(durationMs: number): Promise<void> {
    this.nowMs += durationMs;
    for (const tick of this.#ticks) tick();
    await settle();
  }

  async endWait(): Promise<void> {
    this.#resume?.();
    await settle();
  }

  async wake(): Promise<void> {
    for (const waker of this.#wakers) waker();
    await settle();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** A server whose connections are scripted: a list of messages, then an end or an error, or silence. */
function startRunner(connections: { messages: string[]; end: Error | "silence" }[], isFinal?: (error: unknown) => boolean) {
  const clock = new FakeClock();
  const messages: string[] = [];
  const statuses: StreamStatus[] = [];
  let opened = 0;
  const runner = new StreamRunner<string>({
    clock,
    ...(isFinal ? { isFinal } : {}),
    async *open(signal) {
      const connection = connections[opened++] ?? { messages: [], end: "silence" as const };
      yield* connection.messages;
      if (connection.end !== "silence") throw connection.end;
      await new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    },
    onMessage: (message) => void messages.push(message),
    onStatus: (status) => void statuses.push(status),
  });
  const ended = runner.run();
  return { clock, messages, statuses, runner, ended, openedCount: () => opened, last: () => statuses.at(-1) };
}

describe("a stream", () => {
  test("that breaks is opened again and goes on", async () => {
    const stream = startRunner([
      { messages: ["a"], end: new Error("broken") },
      { messages: ["b"], end: "silence" },
    ]);
    await settle();
    expect(stream.last()).toMatchObject({ failures: 1, hasData: true, phase: "live" });
    await stream.clock.endWait();
    expect(stream.messages).toEqual(["a", "b"]);
    expect(stream.last()).toMatchObject({ failures: 0, phase: "live", error: null });
    stream.runner.stop();
    await stream.ended;
  });

  test("without data for 3 s is stale, and not a moment before", async () => {
    const stream = startRunner([{ messages: ["a"], end: "silence" }]);
    await settle();
    await stream.clock.advance(2_999);
    expect(stream.last()?.phase).toBe("live");
    await stream.clock.advance(1);
    expect(stream.last()).toMatchObject({ phase: "stale", lastDataMs: 0 });
    stream.runner.stop();
    await stream.ended;
  });

  test("that was never answered has nothing to be stale", async () => {
    const stream = startRunner([{ messages: [], end: new Error("down") }]);
    await settle();
    await stream.clock.advance(60_000);
    expect(stream.last()).toMatchObject({ phase: "connecting", hasData: false, failures: 1 });
    stream.runner.stop();
    await stream.ended;
  });

  test("that looks open but is silent is cut and opened anew", async () => {
    const stream = startRunner([{ messages: ["a"], end: "silence" }]);
    await settle();
    await stream.clock.advance(8_001);
    await stream.clock.endWait();
    expect(stream.openedCount()).toBe(2);
    stream.runner.stop();
    await stream.ended;
  });

  test("does not wait out its pause when the network comes back", async () => {
    const stream = startRunner([{ messages: [], end: new Error("down") }]);
    await settle();
    expect(stream.openedCount()).toBe(1);
    await stream.clock.wake();
    expect(stream.openedCount()).toBe(2);
    stream.runner.stop();
    await stream.ended;
  });

  test("that cannot succeed ends for good", async () => {
    const stream = startRunner([{ messages: [], end: new Error("signed out") }], () => true);
    await stream.ended;
    expect(stream.last()?.phase).toBe("ended");
    expect(stream.openedCount()).toBe(1);
  });
});

describe("waits between attempts", () => {
  test("double to a bound and keep half of them random", () => {
    expect([1, 2, 3].map((failures) => reconnectDelayMs(failures, 1))).toEqual([400, 800, 1_600]);
    expect(reconnectDelayMs(1, 0)).toBe(200);
    expect(reconnectDelayMs(50, 1)).toBe(5_000);
  });
});
