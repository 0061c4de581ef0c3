/** One command for many fixtures: how many of them the stream has confirmed. */
import type { TraderSuspension } from "../odds/book";
import type { CommandAction } from "./command";
import { findSuspension } from "./status";

export interface BulkCommand {
  readonly action: CommandAction;
  readonly fixtureIds: ReadonlySet<string>;
  readonly confirmedIds: ReadonlySet<string>;
  /** Fixtures whose command was not taken. */
  readonly failedCount: number;
}

export function newBulk(action: CommandAction, fixtureIds: readonly string[]): BulkCommand {
  return { action, fixtureIds: new Set(fixtureIds), confirmedIds: new Set(), failedCount: 0 };
}

/** A book of a fixture came: it shows the suspension of the whole fixture, or shows none any more. */
export function noteBulkBook(
  bulk: BulkCommand,
  fixtureId: string,
  suspensions: readonly TraderSuspension[],
): BulkCommand {
  if (!bulk.fixtureIds.has(fixtureId) || bulk.confirmedIds.has(fixtureId)) return bulk;
  const isSuspended = findSuspension(suspensions, "") !== undefined;
  if (isSuspended !== (bulk.action === "suspend")) return bulk;
  return { ...bulk, confirmedIds: new Set(bulk.confirmedIds).add(fixtureId) };
}

export function isBulkDone(bulk: BulkCommand): boolean {
  return bulk.confirmedIds.size + bulk.failedCount >= bulk.fixtureIds.size;
}

/** "Suspending 34 fixtures in play: 12 confirmed". */
export function bulkWords(bulk: BulkCommand): string {
  const count = bulk.fixtureIds.size;
  const fixtures = count === 1 ? "1 fixture" : `${count} fixtures`;
  const failed = bulk.failedCount > 0 ? `, ${bulk.failedCount} not taken` : "";
  if (isBulkDone(bulk)) return `${bulk.action === "suspend" ? "Suspended" : "Resumed"} ${fixtures}${failed}`;
  const doing = bulk.action === "suspend" ? "Suspending" : "Resuming";
  return `${doing} ${fixtures}: ${bulk.confirmedIds.size} confirmed${failed}`;
}
