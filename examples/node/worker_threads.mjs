// Verifies the tokens on standard input, one a line, on two worker threads, configured by the environment.

import { once } from "node:events";
import { createInterface } from "node:readline";
import { Worker, isMainThread, parentPort } from "node:worker_threads";

import { AuthKitError, Verifier } from "authkit-verifier";

if (isMainThread) {
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)));
  let count = 0;
  for await (const token of createInterface({ input: process.stdin })) {
    const worker = workers[count++ % workers.length];
    worker.postMessage(token);
    // The claims' plain data can be sent between threads.
    const [{ claims, refusal }] = await once(worker, "message");
    console.log(claims === undefined ? `refused: ${refusal}` : `accepted: ${claims.subject}`);
  }
  workers.forEach((worker) => worker.postMessage(null));
} else {
  // [readme]
  const verifier = Verifier.fromEnv(); // each thread its own
  parentPort.on("message", async (token) => {
    if (token === null) {
      verifier.close();
      parentPort.close(); // the thread ends by itself
      return;
    }
    try {
      const claims = await verifier.verify(token);
      parentPort.postMessage({ claims: claims.toJSON() });
    } catch (error) {
      if (!(error instanceof AuthKitError)) throw error;
      parentPort.postMessage({ refusal: error.code });
    }
  });
  // [/readme]
}
