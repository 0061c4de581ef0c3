/** Commands given at this desk: sent, followed until the stream confirms them, taken back. */
import type { TraderSuspension } from "../odds/book";
import { announcer } from "../shared/announcer.svelte";
import { type Failure, toFailure } from "../shared/failure";
import type { TradingClient } from "../wire/trading";
import { type BulkCommand, bulkWords, isBulkDone, newBulk, noteBulkBook } from "./bulk";
import {
  type Command,
  type CommandAction,
  type CommandTarget,
  commandWords,
  isPending,
  newCommand,
  noteAnswer,
  noteBook,
  noteFailure,
  noteTime,
  oppositeOf,
  sendAgain,
} from "./command";
import { findSuspension } from "./status";

const COMMANDS_MAX = 50;
const SENT_AT_ONCE_MAX = 8;
const CHECK_EVERY_MS = 500;

/** What commands need to know of the books on the desk. */
export interface CommandSources {
  suspensionsOf(fixtureId: string): readonly TraderSuspension[];
  traderName(): string;
}

export class CommandsState {
  /** Newest first. */
  commands = $state.raw<readonly Command[]>([]);
  bulk = $state.raw<BulkCommand | null>(null);
  bulkFailure = $state.raw<Failure | null>(null);
  isBulkSending = $state(false);
  readonly #client: TradingClient;
  readonly #sources: CommandSources;

  constructor(client: TradingClient, sources: CommandSources) {
    this.#client = client;
    this.#sources = sources;
  }

  /** Looks now and then for commands that are late; returns what stops it. */
  start(): () => void {
    const timer = setInterval(() => this.#change((command) => noteTime(command, Date.now())), CHECK_EVERY_MS);
    return () => clearInterval(timer);
  }

  /** The newest command for this very target that is still on its way. */
  pending(fixtureId: string, marketId: string): Command | undefined {
    return this.commands.find(
      (command) => command.fixtureId === fixtureId && command.marketId === marketId && isPending(command),
    );
  }

  /** Suspends what the desk has not suspended, resumes what it has; nothing while a command is on its way. */
  toggle(target: CommandTarget): void {
    if (this.pending(target.fixtureId, target.marketId)) return;
    const suspensions = this.#sources.suspensionsOf(target.fixtureId);
    this.give(findSuspension(suspensions, target.marketId) ? "resume" : "suspend", target);
  }

  give(action: CommandAction, target: CommandTarget): void {
    const suspensions = this.#sources.suspensionsOf(target.fixtureId);
    const command = newCommand(crypto.randomUUID(), action, target, suspensions, Date.now());
    this.commands = [command, ...this.commands].slice(0, COMMANDS_MAX);
    announcer.say(commandWords(command));
    void this.#send(command);
  }

  takeBack(command: Command): void {
    this.give(oppositeOf(command.action), command);
  }

  again(command: Command): void {
    const sent = sendAgain(command, Date.now());
    this.#change((held) => (held.requestId === command.requestId ? sent : held));
    void this.#send(sent);
  }

  async suspendAllInPlay(): Promise<void> {
    this.isBulkSending = true;
    this.bulkFailure = null;
    try {
      this.#beginBulk("suspend", await this.#client.suspendAllInPlay(crypto.randomUUID()));
    } catch (error) {
      this.bulkFailure = toFailure(error);
    } finally {
      this.isBulkSending = false;
    }
  }

  /** Resumes each fixture that the last command for many suspended. */
  async takeBackBulk(): Promise<void> {
    const before = this.bulk;
    if (before?.action !== "suspend") return;
    const waiting = [...before.fixtureIds];
    this.#beginBulk("resume", waiting);
    const work = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.#resumeOne(next);
    };
    await Promise.all(Array.from({ length: SENT_AT_ONCE_MAX }, work));
  }

  dismissBulk(): void {
    this.bulk = null;
    this.bulkFailure = null;
  }

  /** A book was drawn: commands may be confirmed by it. */
  noteBook(fixtureId: string, suspensions: readonly TraderSuspension[]): void {
    if (this.commands.some((command) => command.fixtureId === fixtureId && isPending(command))) {
      const traderName = this.#sources.traderName();
      this.#change((command) =>
        command.fixtureId === fixtureId ? noteBook(command, suspensions, traderName, Date.now()) : command,
      );
    }
    if (this.bulk) this.#setBulk(noteBulkBook(this.bulk, fixtureId, suspensions));
  }

  async #send(command: Command): Promise<void> {
    const { fixtureId, marketId, requestId } = command;
    const change = (next: (held: Command) => Command) =>
      this.#change((held) => (held.requestId === requestId ? next(held) : held));
    try {
      await this.#client[command.action](requestId, { fixtureId, marketId });
      change(noteAnswer);
    } catch (error) {
      const failure = toFailure(error);
      change((held) => noteFailure(held, failure));
    }
  }

  async #resumeOne(fixtureId: string): Promise<void> {
    try {
      await this.#client.resume(crypto.randomUUID(), { fixtureId, marketId: "" });
    } catch {
      if (this.bulk) this.#setBulk({ ...this.bulk, failedCount: this.bulk.failedCount + 1 });
    }
  }

  #beginBulk(action: CommandAction, fixtureIds: readonly string[]): void {
    this.#setBulk(newBulk(action, fixtureIds));
    for (const fixtureId of fixtureIds) this.noteBook(fixtureId, this.#sources.suspensionsOf(fixtureId));
  }

  #setBulk(bulk: BulkCommand): void {
    if (bulk === this.bulk) return;
    this.bulk = bulk;
    if (isBulkDone(bulk)) announcer.say(bulkWords(bulk));
  }

  /** Replaces commands that changed; the list stays the same object where none did. */
  #change(next: (command: Command) => Command): void {
    let isChanged = false;
    const commands = this.commands.map((command) => {
      const changed = next(command);
      if (changed === command) return command;
      isChanged = true;
      if (changed.phase !== command.phase && changed.phase !== "waiting") announcer.say(commandWords(changed));
      return changed;
    });
    if (isChanged) this.commands = commands;
  }
}
