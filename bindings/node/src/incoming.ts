// Requests and responses of node:http, which Express and Fastify are built on.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { AuthInfo } from "./auth-info.js";
import type { Claims } from "./claims.js";
import { misuse } from "./errors.js";
import type { Credentials } from "./guard.js";
import type { HeaderOf } from "./cors.js";
import type { Response } from "./response.js";
import { bodyValue, brokenOff, checkEncoding, tooLarge } from "./tools.js";

/** A request, with what a framework adds to it. */
export interface HostRequest extends IncomingMessage {
  /** The target as it came: under a mount, `url` lacks the mount's path. */
  originalUrl?: string;
  /** The body, where a parser has read it. */
  body?: unknown;
  authkit?: Claims;
  auth?: AuthInfo;
}

/** Node keeps the first of several lines alone; the library is to see them all, and refuses them. */
export function credentialsOf(request: HostRequest): Credentials {
  const { rawHeaders = [], headers } = request;
  const lines = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "authorization",
  );
  // A request that an adapter made, as for a function in a cloud, may have no raw headers.
  const authorization = lines.length > 0 ? lines.join(", ") : headers.authorization;
  return { authorization, query: /\?(.*)/s.exec(targetOf(request))?.[1] ?? "" };
}

export function pathOf(request: HostRequest): string {
  // A target may be a whole URL (RFC 9112 section 3.2.2).
  return targetOf(request)
    .replace(/^https?:\/\/[^/?#]*/i, "")
    .replace(/\?.*/s, "");
}

function targetOf(request: HostRequest): string {
  return request.originalUrl ?? request.url ?? "/";
}

export function headerOf(request: IncomingMessage): HeaderOf {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
}

/** Adds headers; `Vary` grows, since others may have filled it. */
export function addHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  // Somebody else may have answered meanwhile, as a time limit does.
  if (response.headersSent) {
    return;
  }
  for (const [name, value] of Object.entries(headers)) {
    const others = name === "vary" ? response.getHeader(name) : undefined;
    response.setHeader(name, others === undefined ? value : `${String(others)}, ${value}`);
  }
}

/** Sends an answer as it is. Node states its length. */
export function send(response: ServerResponse, { status, headers, body }: Response): void {
  if (!response.headersSent) {
    response.statusCode = status;
    addHeaders(response, headers);
    response.end(body);
  }
}

/**
 * Whatever the host could take for the request's body: what a parser has left in `body`, and what is still to be read.
 * The latter is left to be read again, and put into `body` where nothing is.
 */
export async function bodiesOf(request: HostRequest, body: unknown, limit: number): Promise<readonly unknown[]> {
  const given = body === undefined ? [] : [body];
  if (!hasBody(request)) {
    return given;
  }
  if (request.readableEnded || request.readableFlowing === true) {
    if (body === undefined) {
      throw misuse("the body was read before toolScopes could see it, and is not in the request's `body`");
    }
    return given;
  }
  checkEncoding(request.headers["content-type"], request.headers["content-encoding"]);
  const value = bodyValue(await peek(request, limit));
  // What was judged is what the host goes by, if it reads no body by itself.
  request.body ??= value;
  return [...given, value];
}

function hasBody({ headers, httpVersionMajor }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return (
    httpVersionMajor > 1 || headers["transfer-encoding"] !== undefined || (length !== undefined && Number(length) !== 0)
  );
}

/** The body's octets. Over HTTP/1 the stream is left as if nobody had read it; over HTTP/2 that cannot be. */
function peek(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (act: () => void): void => {
      request.off("readable", read).off("end", end).off("error", lost).off("close", lost);
      act();
    };
    const end = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const lost = (): void => settle(() => reject(brokenOff()));
    const read = (): void => {
      // Over HTTP/1 not until null: that would end a stream whose end is another's to see.
      while (request.readableLength > 0 || request.httpVersionMajor > 1) {
        const chunk = request.read() as Buffer | null;
        if (chunk === null) {
          break;
        }
        length += chunk.length;
        if (length > limit) {
          settle(() => reject(tooLarge(limit)));
          return;
        }
        chunks.push(chunk);
      }
      if (request.complete) {
        const body = Buffer.concat(chunks);
        if (length > 0) {
          // In this very turn: "end" is not emitted while there is something to read.
          request.unshift(body);
        }
        settle(() => resolve(body));
      }
    };
    if (request.destroyed) {
      reject(brokenOff());
      return;
    }
    request.on("readable", read).on("end", end).on("error", lost).on("close", lost);
    read();
  });
}
