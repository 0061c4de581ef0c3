/** What went wrong, in words a person can act on. */

/** A call that did not get its answer. */
export interface Failure {
  /**
   * "refused": the server said no and meant it. "signed_out": the session is over. "unreachable": no answer came, so
   * what was asked may or may not have happened. "broken": the server failed.
   */
  readonly kind: "refused" | "signed_out" | "unreachable" | "not_found" | "broken";
  /** Stable reason ("STAKE_LIMIT_EXCEEDED"), or the status where the server gave none. */
  readonly reason: string;
  readonly message: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** To quote to support. */
  readonly errorId: string;
}

const ID_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Short, spoken easily, made at the moment of the failure: together with the time it finds the log line. */
export function newErrorId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join("");
}
