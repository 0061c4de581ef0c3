/** One gRPC-web transport to the origin that served the page. */
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { toFailure } from "../shared/failure";

const CALL_TIMEOUT_MS = 10_000;
/** Says nothing about the session: the password was wrong. */
const LOG_IN_REFUSED = "LOG_IN_REFUSED";

/** Where calls find the session's token, and say that the server refused it. */
export interface TokenSource {
  /** Null while signed out. */
  readonly token: string | null;
  refused(token: string): void;
}

export function createTransport(source: TokenSource): Transport {
  return createGrpcWebTransport({ baseUrl: window.location.origin, interceptors: [authorizing(source)] });
}

/** Sends the token of the moment, and hands back the very one that was refused: by then there may be another. */
export function authorizing(source: TokenSource): Interceptor {
  return (next) => async (request) => {
    const { token } = source;
    if (token === null) return next(request);
    request.header.set("authorization", `Bearer ${token}`);
    const note = (error: unknown): never => {
      const { kind, reason } = toFailure(error);
      if (kind === "signed_out" && reason !== LOG_IN_REFUSED) source.refused(token);
      throw error;
    };
    const response = await next(request).catch(note);
    return response.stream ? { ...response, message: noting(response.message, note) } : response;
  };
}

async function* noting<Message>(messages: AsyncIterable<Message>, note: (error: unknown) => never) {
  try {
    yield* messages;
  } catch (error) {
    note(error);
  }
}

/** Options of a call that answers once: it never waits for ever. */
export function callOptions(timeoutMs = CALL_TIMEOUT_MS): { timeoutMs: number } {
  return { timeoutMs };
}
