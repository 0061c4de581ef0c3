/**
 * A command of the desk from key to confirmation.
 *
 * The answer to the call only says that the command is in the log. It is confirmed when a book shows it: by the
 * suspension it put there, or by the one it took away.
 */
import type { TraderSuspension } from "../odds/book";
import type { Failure } from "../shared/failure";
import { findSuspension } from "./status";

/** A command that the stream has not confirmed for this long is said to be late. */
export const LATE_AFTER_MS = 3_000;

export type CommandAction = "suspend" | "resume";

/** "failed" and "confirmed" are final; a late command may still be confirmed, and may be sent again. */
export type CommandPhase = "sending" | "waiting" | "late" | "confirmed" | "failed";

export interface Command {
  readonly requestId: string;
  readonly action: CommandAction;
  readonly fixtureId: string;
  /** Empty for the whole fixture. */
  readonly marketId: string;
  /** What it is about, for people: "Match result, Ajax v PSV". */
  readonly subject: string;
  /** Request id of the suspension that was in force when it was given; "" for none. */
  readonly requestIdBefore: string;
  readonly sentMs: number;
  readonly phase: CommandPhase;
  readonly failure: Failure | null;
  /** Who did it when, as the book tells; for a resumption, who gave it here and when it was seen. */
  readonly doneBy: string;
  readonly doneTimeMs: number;
}

export type CommandTarget = Pick<Command, "fixtureId" | "marketId" | "subject">;

/** Whether it is still on its way. */
export function isPending(command: Command): boolean {
  return command.phase !== "confirmed" && command.phase !== "failed";
}

export function newCommand(
  requestId: string,
  action: CommandAction,
  target: CommandTarget,
  suspensions: readonly TraderSuspension[],
  nowMs: number,
): Command {
  const requestIdBefore = findSuspension(suspensions, target.marketId)?.requestId ?? "";
  return {
    ...target,
    requestId,
    action,
    requestIdBefore,
    sentMs: nowMs,
    phase: "sending",
    failure: null,
    doneBy: "",
    doneTimeMs: 0,
  };
}

/** The log has it. */
export function noteAnswer(command: Command): Command {
  return command.phase === "sending" ? { ...command, phase: "waiting" } : command;
}

/** The call failed; without an answer the command may hold all the same, so only the book can tell. */
export function noteFailure(command: Command, failure: Failure): Command {
  if (!isPending(command)) return command;
  const isUnknown = failure.kind === "unreachable" || failure.reason === "TRADING_UNAVAILABLE";
  return { ...command, phase: isUnknown ? "late" : "failed", failure };
}

/** A book of its fixture came. */
export function noteBook(
  command: Command,
  suspensions: readonly TraderSuspension[],
  traderName: string,
  nowMs: number,
): Command {
  if (!isPending(command)) return command;
  const inForce = findSuspension(suspensions, command.marketId);
  if (command.action === "resume") {
    if (inForce) return command;
    return { ...command, phase: "confirmed", failure: null, doneBy: traderName, doneTimeMs: nowMs };
  }
  // Another trader's newer suspension of the same thing does the same.
  if (!inForce || inForce.requestId === command.requestIdBefore) return command;
  const { traderName: doneBy, suspendedTimeMs: doneTimeMs } = inForce;
  return { ...command, phase: "confirmed", failure: null, doneBy, doneTimeMs };
}

export function noteTime(command: Command, nowMs: number): Command {
  const isLate = (command.phase === "sending" || command.phase === "waiting") && nowMs - command.sentMs >= LATE_AFTER_MS;
  return isLate ? { ...command, phase: "late" } : command;
}

/** Sent again under its own id, which has one effect however often it is sent. */
export function sendAgain(command: Command, nowMs: number): Command {
  return { ...command, phase: "sending", failure: null, sentMs: nowMs };
}

const VERBS: Readonly<Record<CommandAction, { readonly doing: string; readonly done: string; readonly bare: string }>> = {
  suspend: { doing: "Suspending", done: "Suspended", bare: "Suspend" },
  resume: { doing: "Resuming", done: "Resumed", bare: "Resume" },
};

/** "Suspending Match result, Ajax v PSV…". */
export function commandWords(command: Command): string {
  const verb = VERBS[command.action];
  switch (command.phase) {
    case "sending":
    case "waiting":
      return `${verb.doing} ${command.subject}…`;
    case "late":
      return `${verb.bare} ${command.subject}: not confirmed yet`;
    case "confirmed":
      return `${verb.done} ${command.subject}`;
    case "failed":
      return `${verb.bare} ${command.subject}: refused`;
  }
}

export function oppositeOf(action: CommandAction): CommandAction {
  return action === "suspend" ? "resume" : "suspend";
}
