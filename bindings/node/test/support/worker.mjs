// A worker thread with a verifier for each of its tokens.

import { parentPort, workerData } from "node:worker_threads";

import { Verifier } from "authkit-verifier";

for (const token of workerData.tokens) {
  const verifier = new Verifier(workerData.options);
  void verifier.verify(token).then((claims) => parentPort.postMessage(claims.toJSON()));
}
