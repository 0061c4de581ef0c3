/** Errors of calls to the screens' own failures. */
import { Code, ConnectError } from "@connectrpc/connect";

import type { BetRefusal } from "../bets/bet";
import { type Failure, newErrorId } from "../shared/failure";
import { refusalWords } from "../shared/refusals";
import { ERROR_INFO_TYPE, type ErrorInfo, readErrorInfo } from "./error_info";
import { PlaceBetRefusalSchema, type PlaceBetRefusal } from "./gen/overround/bets/v1/betting_service_pb";

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

/** What a refused PlaceBet would have accepted; null where the error is no refusal of a bet. */
export function findBetRefusal(error: unknown): BetRefusal | null {
  const [detail] = ConnectError.from(error).findDetails(PlaceBetRefusalSchema);
  return detail ? toBetRefusal(detail) : null;
}

export function toBetRefusal(wire: PlaceBetRefusal): BetRefusal {
  return {
    reason: wire.reason,
    message: wire.message,
    stakeMaxMinor: wire.stakeMax ? Number(wire.stakeMax.amountMinor) : null,
    stakeMinMinor: wire.stakeMin ? Number(wire.stakeMin.amountMinor) : null,
    decimalOddsMilli: wire.decimalOddsMilli || null,
    bookVersion: Number(wire.bookVersion) || null,
  };
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
