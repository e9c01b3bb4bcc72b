// The soak's client in Node: `soak.mjs CLIENT TOKENS CONFIG LOG SECONDS FLOOD`, as soak.c has it. Four loops on one
// event loop await their verdicts, as a server's requests do.

import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthKitError, Verifier } from "../../bindings/node/dist/index.mjs";

const LOOPS = 4;
const TICK_MS = 100;

const [client, tokens, config, path, seconds, flood] = process.argv.slice(2);
const time = () => (performance.timeOrigin + performance.now()) / 1000;

/** The settings of JSON by the names of this binding. */
const settings = Object.fromEntries(
  Object.entries(JSON.parse(config)).map(([name, value]) => [
    name.replace(/_[a-z]/g, (joint) => joint[1].toUpperCase()),
    value,
  ]),
);

const verifier = new Verifier(settings);
const log = createWriteStream(path);

async function verify(kind, key, token) {
  const began = time();
  let verdict = "200 OK -1";
  try {
    await verifier.verify(token);
  } catch (error) {
    if (!(error instanceof AuthKitError)) throw error;
    verdict = `${error.httpStatus} ${error.code} ${error.retryAfter ?? -1}`;
  }
  log.write(`${began.toFixed(6)} ${time().toFixed(6)} ${kind} ${key} ${verdict}\n`);
}

async function run(end) {
  const issuer = connect({ host: "127.0.0.1", port: Number(tokens) });
  const lines = createInterface({ input: issuer })[Symbol.asyncIterator]();
  for (let began = performance.now(); began < end; began = performance.now()) {
    issuer.write(`${client} ${flood}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the issuer is gone");
      if (value === ".") break;
      await verify(...value.split(" "));
    }
    await sleep(Math.max(0, began + TICK_MS - performance.now()));
  }
  issuer.destroy();
}

console.log("ready");
const commands = createInterface({ input: process.stdin });
const forsaken = () => process.exit(1);
commands.once("close", forsaken);
await once(commands, "line");
commands.off("close", forsaken).close();
const end = performance.now() + 1000 * Number(seconds);
await Promise.all(Array.from({ length: LOOPS }, () => run(end)));
log.end();
