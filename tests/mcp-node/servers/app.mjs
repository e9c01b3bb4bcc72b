// An Express app behind our middleware that answers with who asked and who answered.

import { threadId } from 'node:worker_threads';
import { Verifier } from 'authkit-verifier';
import { requireAuthKit } from 'authkit-verifier/express';
import express from 'express';

/** Listens on a port of the system's choice. Its verifier is left open, as most servers leave theirs. */
export function listen(options) {
  const verifier = new Verifier(options);
  const app = express();
  app.use('/mcp', requireAuthKit({ verifier }), (request, response) => {
    response.json({ subject: request.authkit.subject, process: process.pid, thread: threadId });
  });
  return app.listen(0, '127.0.0.1');
}
