// An HTTP request as hostile as it is told to be: repeated lines, any target, any body; and its whole answer.

import { request } from "node:http";
import { text } from "node:stream/consumers";

/** A header whose value is an array is sent as so many lines; one whose value is undefined is not. */
export function ask(port, { method = "GET", path = "/", headers = {}, body, chunked = false }) {
  return new Promise((resolve, reject) => {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((line) => [name, line]),
    );
    const length = body === undefined || chunked ? [] : ["content-length", String(Buffer.byteLength(body))];
    const transfer = chunked ? ["transfer-encoding", "chunked"] : [];
    const outgoing = request({
      port,
      host: "127.0.0.1",
      method,
      path,
      agent: false,
      headers: ["host", "mcp.example.com", ...lines.flat(), ...length, ...transfer],
    });
    outgoing.on("error", reject);
    outgoing.on("response", async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
    });
    outgoing.end(body);
  });
}
