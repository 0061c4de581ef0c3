/** The time now, for what counts seconds or minutes: one timer for the whole page. */

class SecondClock {
  nowMs = $state(Date.now());

  /** Ticks until the returned function is called; call once at the start of a page. */
  start(): () => void {
    const timer = setInterval(() => (this.nowMs = Date.now()), 1_000);
    return () => clearInterval(timer);
  }
}

export const clock = new SecondClock();
