// A load of 200 requests within a second on a guarded server: cold, warm, and while its issuer rotates keys; the keys
// take 3 s to come.

import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeKey, startIssuer } from '../../../bindings/node/test/support/issuer.mjs';
import { start } from './process.mjs';

export const REQUESTS = 200;
export const JWKS_SECONDS = 3;
const SERVER = fileURLToPath(new URL('../servers/watched.mjs', import.meta.url));

/**
 * Takes a new server through the phases, after so many seconds of rest. For each: how many requests got which status, the
 * longest gap between two turns of the server's loop, and how long after the keys (or the phase's start) the last answer
 * came, in ms; and how often the keys were asked for.
 */
export async function underLoad({ rest = 0 } = {}) {
  const issuer = await startIssuer();
  const server = await start(SERVER, JSON.stringify(issuer.options));
  const phase = async (act) => {
    const started = performance.now();
    const statuses = await act();
    const late = performance.now() - Math.max(started, issuer.answeredAt);
    return { statuses: countOf(statuses), gap: Number((await ask(`${server.line}/gap`)).body), late };
  };
  const storm = (keys) => phase(() => sent(server.line, issuer, keys));
  try {
    await warmUp(server.line);
    issuer.slowness = 1000 * JWKS_SECONDS;
    const [old] = issuer.keys;
    const idle = await phase(() => delay(1000 * rest, []));
    const cold = await storm([old]);
    const warm = await storm([old]);
    const next = makeKey('key-2');
    issuer.keys = [next, old];
    const rotation = await storm([next, old]);
    return { idle, cold, warm, rotation, keyRequests: issuer.requests };
  } finally {
    issuer.stop();
    await server.end();
  }
}

/** What a program does as it starts is no part of it: the framework compiles its code, and answers without keys. */
async function warmUp(baseUrl) {
  for (let request = 0; request < REQUESTS; request++) await ask(`${baseUrl}/mcp`);
  await ask(`${baseUrl}/gap`);
}

/** Sends requests, each of another user, with tokens that the keys sign in turn; their statuses. */
async function sent(baseUrl, issuer, keys) {
  const asking = [];
  for (let request = 0; request < REQUESTS; request++) {
    const subject = `user_${request}`;
    const authorization = `Bearer ${issuer.mint({ sub: subject }, keys[request % keys.length])}`;
    asking.push(ask(`${baseUrl}/mcp`, { authorization }).then(({ status, body }) => {
      if (status === 200 && body !== subject) throw new Error(`${subject} was taken for another`);
      return status;
    }));
    await delay(1000 / REQUESTS);
  }
  return Promise.all(asking);
}

/** A request on a connection of its own. */
function ask(url, headers = {}) {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode, body: (await response.toArray()).join('') });
    }).on('error', reject);
  });
}

function countOf(statuses) {
  const counts = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
