/** What went wrong, in words a person can act on. */
import { Code, ConnectError } from "@connectrpc/connect";

import { ERROR_INFO_TYPE, type ErrorInfo, readErrorInfo } from "./error_info";
import { refusalWords } from "./refusals";

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

/** No answer came: what was asked may have happened. */
const UNREACHABLE_CODES = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Unknown, Code.Aborted]);
const BROKEN_CODES = new Set([Code.Internal, Code.DataLoss, Code.Unimplemented]);

const SENTENCES: Readonly<Record<Failure["kind"], string>> = {
  refused: "The request was refused.",
  signed_out: "Your session has ended. Log in again.",
  unreachable: "We could not reach the server. Check your connection.",
  not_found: "There is nothing under this address.",
  broken: "Something failed on our side.",
};

export function toFailure(error: unknown): Failure {
  const connectError = ConnectError.from(error);
  const info = findErrorInfo(connectError);
  const kind = kindOf(connectError.code, info);
  return {
    kind,
    reason: info?.reason || Code[connectError.code] || "UNKNOWN",
    message: (info && (refusalWords(info.reason, info.metadata) ?? connectError.rawMessage)) || SENTENCES[kind],
    metadata: info?.metadata ?? new Map<string, string>(),
    errorId: newErrorId(),
  };
}

const ID_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Short, spoken easily, made at the moment of the failure: together with the time it finds the log line. */
export function newErrorId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join("");
}

function kindOf(code: Code, info: ErrorInfo | null): Failure["kind"] {
  if (code === Code.Unauthenticated) return "signed_out";
  if (info !== null) return "refused";
  if (UNREACHABLE_CODES.has(code)) return "unreachable";
  if (code === Code.NotFound) return "not_found";
  return BROKEN_CODES.has(code) ? "broken" : "refused";
}

function findErrorInfo(error: ConnectError): ErrorInfo | null {
  for (const detail of error.details) {
    if ("type" in detail && detail.type === ERROR_INFO_TYPE) return readErrorInfo(detail.value);
  }
  return null;
}
