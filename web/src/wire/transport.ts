/** One gRPC-web transport to the origin that served the page. */
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

const CALL_TIMEOUT_MS = 10_000;

/** Where calls find the session's token; null while signed out. */
export type TokenSource = () => string | null;

export function createTransport(token: TokenSource): Transport {
  const authorize: Interceptor = (next) => (request) => {
    const current = token();
    if (current !== null) request.header.set("authorization", `Bearer ${current}`);
    return next(request);
  };
  return createGrpcWebTransport({ baseUrl: window.location.origin, interceptors: [authorize] });
}

/** Options of a call that answers once: it never waits for ever. */
export function callOptions(timeoutMs = CALL_TIMEOUT_MS): { timeoutMs: number } {
  return { timeoutMs };
}
