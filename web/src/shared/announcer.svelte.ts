/** What screen readers are told: one polite voice, at most one sentence in two seconds, the newest wins. */

export const ANNOUNCE_EVERY_MS = 2_000;

export class Announcer {
  sentence = $state("");
  #waiting: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  say(sentence: string): void {
    if (this.#timer !== null) {
      this.#waiting = sentence;
      return;
    }
    this.sentence = sentence;
    this.#timer = setTimeout(() => this.#next(), ANNOUNCE_EVERY_MS);
  }

  #next(): void {
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null && waiting !== this.sentence) this.say(waiting);
  }
}

export const announcer = new Announcer();
