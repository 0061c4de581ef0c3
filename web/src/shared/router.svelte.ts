/** Addresses of the page: a path is the whole state of where one is, and Back works. */

class Router {
  path = $state(typeof location === "undefined" ? "/" : location.pathname);
  query = $state.raw(new URLSearchParams(typeof location === "undefined" ? "" : location.search));

  /** Follows Back and Forward; call once at the start of a page. Returns what stops it. */
  start(): () => void {
    const follow = () => this.#read();
    window.addEventListener("popstate", follow);
    return () => window.removeEventListener("popstate", follow);
  }

  go(address: string): void {
    if (address === location.pathname + location.search) return;
    history.pushState(null, "", address);
    this.#read();
    window.scrollTo(0, 0);
  }

  /** For state that should not make a step for Back (a search as one types). */
  replace(address: string): void {
    history.replaceState(null, "", address);
    this.#read();
  }

  #read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const router = new Router();

/** Lets a plain link change the view without loading the page; modified clicks stay the browser's. */
export function link(anchor: HTMLAnchorElement): { destroy(): void } {
  const follow = (event: MouseEvent) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain || event.defaultPrevented) return;
    event.preventDefault();
    router.go(anchor.pathname + anchor.search);
  };
  anchor.addEventListener("click", follow);
  return { destroy: () => anchor.removeEventListener("click", follow) };
}

/** "/fixture/sim%3A1%3A4": ids carry colons. */
export function fixturePath(fixtureId: string): string {
  return `/fixture/${encodeURIComponent(fixtureId)}`;
}

export function betPath(betId: string): string {
  return `/bets/${encodeURIComponent(betId)}`;
}

export function gamePath(gameCode: string): string {
  return `/games/${encodeURIComponent(gameCode)}`;
}

/** The decoded segments of a path; a malformed escape stays as it is. */
export function segments(path: string): string[] {
  return path.split("/").filter(Boolean).map(decoded);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
