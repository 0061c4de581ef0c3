/** A browser's storages and window for tests in Node; two pages of one browser share the first and not the second. */
import { vi } from "vitest";

export class FakeStorage {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

/** Puts fresh storages and a window in place; returns them. */
export function stubBrowser(): { local: FakeStorage; tab: FakeStorage; window: EventTarget } {
  const [local, tab, window] = [new FakeStorage(), new FakeStorage(), new EventTarget()];
  vi.stubGlobal("localStorage", local);
  vi.stubGlobal("sessionStorage", tab);
  vi.stubGlobal("window", window);
  return { local, tab, window };
}
