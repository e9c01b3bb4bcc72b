// Which tools a JSON-RPC body calls, read as strictly as no host reads it: what is doubtful is refused.

import type { Response } from "./response.js";

/** A body that cannot be judged, with the answer to it. */
export class UnfitBody extends Error {
  readonly answer: Response;

  constructor(status: number, code: number, message: string) {
    super(message);
    const headers = {
      "cache-control": "no-store",
      "content-type": "application/json",
      // What is left of the body is not waited for.
      ...(status === 413 && { connection: "close" }),
    };
    const body = JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null });
    this.answer = Object.freeze({ status, headers: Object.freeze(headers), body });
  }
}

// JSON-RPC 2.0 section 5.1; the last one as the MCP SDKs have it.
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;
const SERVER_ERROR = -32000;

export function tooLarge(limit: number): UnfitBody {
  return new UnfitBody(413, SERVER_ERROR, `The request's body is longer than ${limit} bytes`);
}

/** For a client that is gone, and so for nobody. */
export function brokenOff(): UnfitBody {
  return new UnfitBody(400, SERVER_ERROR, "The request's body did not come whole");
}

/**
 * Refuses a body whose octets may mean another text to the host's parser than to this one: a `charset` can be UTF-7,
 * in which `+AGE-` is `a`.
 */
export function checkEncoding(
  contentType: string | null | undefined,
  contentEncoding: string | null | undefined,
): void {
  const plain = contentEncoding == null || /^\s*identity\s*$/i.test(contentEncoding);
  const utf8 =
    contentType == null || !/charset/i.test(contentType) || /^[^;,]*;\s*charset="?utf-8"?\s*$/i.test(contentType);
  if (!plain || !utf8) {
    throw new UnfitBody(415, SERVER_ERROR, "The request's body must be JSON in UTF-8, not compressed");
  }
}

/** As the MCP SDKs read it: a mark at the beginning goes, what is no UTF-8 becomes U+FFFD. */
const decoder = new TextDecoder();

/** The value of a body, which may come as octets, as text, or read already; undefined where it is empty. */
export function bodyValue(body: unknown): unknown {
  const text = body instanceof Uint8Array ? decoder.decode(body) : body;
  if (typeof text !== "string") {
    return text;
  }
  if (text === "") {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new UnfitBody(400, PARSE_ERROR, "The request's body is not JSON");
  }
}

/** The names of the tools that a body calls, one message or a batch. */
export function calledTools(body: unknown): string[] {
  const value = bodyValue(body);
  if (value === undefined) {
    return [];
  }
  return (Array.isArray(value) ? value : [value]).flatMap(calledTool);
}

function calledTool(message: unknown): string[] {
  if (!isObject(message)) {
    throw new UnfitBody(400, INVALID_REQUEST, "A JSON-RPC message is an object");
  }
  const { method, params } = message;
  // A host that compares loosely takes ["tools/call"] for "tools/call".
  if (method !== undefined && typeof method !== "string") {
    throw new UnfitBody(400, INVALID_REQUEST, "A JSON-RPC method is a string");
  }
  if (method !== "tools/call") {
    return [];
  }
  if (!isObject(params) || typeof params["name"] !== "string") {
    throw new UnfitBody(400, INVALID_PARAMS, "A call of a tool names the tool");
  }
  return [params["name"]];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
