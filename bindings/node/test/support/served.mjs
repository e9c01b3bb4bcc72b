// A cluster worker: an HTTP server with one verifier for all requests, which answers with its process id.

import { createServer } from "node:http";

import { AuthKitError, Verifier } from "authkit-verifier";

const verifier = new Verifier(JSON.parse(process.argv[2]));

createServer(async (request, response) => {
  try {
    await verifier.verify(request.headers.authorization.replace(/^Bearer /, ""));
    response.end(String(process.pid));
  } catch (error) {
    response.writeHead(error instanceof AuthKitError ? error.httpStatus : 500).end(String(process.pid));
  }
}).listen(0, "127.0.0.1");
