// Several processes and several threads, each with its own verifier: all verify, none hangs, whoever is ended.

import assert from "node:assert/strict";
import cluster from "node:cluster";
import { once } from "node:events";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { Verifier } from "authkit-verifier";

import { cleanEnvironment } from "./support/child.mjs";
import { startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const WORKERS = 4;
// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 30_000 };

let issuer;

beforeEach(async () => {
  issuer = await startIssuer();
});

afterEach(() => issuer.stop());

const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));

// --- cluster ----------------------------------------------------------------------------------------

/** A worker process, and the port that it shares with the others. */
async function start() {
  cluster.setupPrimary({ exec: join(here, "support", "served.mjs"), args: [JSON.stringify(issuer.options)] });
  const worker = cluster.fork(cleanEnvironment());
  const [{ port }] = await once(worker, "listening");
  return { worker, port };
}

async function end(worker, signal) {
  const exited = once(worker, "exit");
  worker.process.kill(signal);
  await exited;
}

/** The status that a request gets, and the process that answered. Each is a connection of its own. */
function ask(port, token) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    get({ host: "127.0.0.1", port, headers, agent: false }, async (response) => {
      const pid = Number((await response.toArray()).join(""));
      resolve({ status: response.statusCode, pid });
    }).on("error", reject);
  });
}

test("every process of a cold cluster fetches once and answers all its requests", patiently, async () => {
  const started = await Promise.all(times(WORKERS, start));
  try {
    const [{ port }] = started;
    issuer.hold();
    const requests = times(100, (index) => ask(port, issuer.mint({ sub: `user_${index}` })));
    await issuer.askedTimes(WORKERS);
    issuer.release();
    const answers = await Promise.all(requests);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const pids = new Set(started.map(({ worker }) => worker.process.pid));
    assert.deepEqual(new Set(answers.map(({ pid }) => pid)), pids);
    assert.equal((await ask(port, "forged")).status, 401);
    assert.equal(issuer.requests, WORKERS);
  } finally {
    await Promise.all(started.map(({ worker }) => end(worker, "SIGTERM")));
  }
});

test("a process killed in the middle of its fetch is replaced by one that verifies", patiently, async () => {
  for (const _ of times(5, () => null)) {
    issuer.hold();
    const before = issuer.requests;
    const { worker, port } = await start();
    const broken = assert.rejects(ask(port, issuer.mint()));
    await issuer.askedTimes(before + 1);
    await end(worker, "SIGKILL");
    await broken;
    const replacement = await start();
    const answer = ask(replacement.port, issuer.mint());
    await issuer.askedTimes(before + 2);
    issuer.release();
    assert.deepEqual(await answer, { status: 200, pid: replacement.worker.process.pid });
    await end(replacement.worker, "SIGTERM");
  }
});

// --- worker threads ---------------------------------------------------------------------------------

const workerScript = join(here, "support", "worker.mjs");

/** A thread that makes a verifier for each of so many tokens. */
function thread(count) {
  const tokens = times(count, () => issuer.mint());
  return new Worker(workerScript, { workerData: { options: issuer.options, tokens } });
}

/** The claims that a thread sends before it ends by itself. */
async function claimsOf(worker) {
  const claims = [];
  worker.on("message", (message) => claims.push(message));
  const [code] = await once(worker, "exit");
  assert.equal(code, 0);
  return claims;
}

test("threads verify beside each other and beside the main thread", patiently, async () => {
  for (let round = 1; round <= 10; round++) {
    const verifier = new Verifier(issuer.options);
    issuer.hold();
    const threads = times(WORKERS, () => claimsOf(thread(4)));
    const own = times(20, () => verifier.verify(issuer.mint()));
    // libuv's few threads, which all of them share, let some ask for their keys only after others have theirs.
    await issuer.asked();
    issuer.release();
    for (const claims of [...(await Promise.all(threads)).flat(), ...(await Promise.all(own))]) {
      assert.equal(claims.subject, "user_01");
    }
    assert.equal(issuer.requests, round * (WORKERS * 4 + 1));
    verifier.close();
  }
});

test("threads ended at every point of their fetches leave the others able to verify", patiently, async () => {
  const verifier = new Verifier(issuer.options);
  for (let attempt = 0; attempt < 60; attempt++) {
    const asked = issuer.asked();
    const worker = thread(8);
    await asked;
    // From the first request until after the last answer. Not before: a thread that is ended while it
    // loads koffi takes the process with it.
    await delay(attempt / 5);
    await worker.terminate();
    assert.equal((await verifier.verify(issuer.mint())).subject, "user_01");
  }
  verifier.close();
});

const polite = `
  const { parentPort, workerData } = require("node:worker_threads");
  parentPort.once("message", () => process.exit(7));
  const { Verifier } = require(${JSON.stringify(join(here, "..", "dist", "index.js"))});
  void new Verifier(workerData.options).verify(workerData.token);`;

test("a thread that is asked to end while it loads the package ends alone", patiently, async () => {
  for (let attempt = 0; attempt < 10; attempt++) {
    const worker = new Worker(polite, { eval: true, workerData: { options: issuer.options, token: issuer.mint() } });
    const ended = once(worker, "exit");
    await once(worker, "online");
    await delay(attempt);
    worker.postMessage("end");
    assert.deepEqual(await ended, [7]);
  }
});
