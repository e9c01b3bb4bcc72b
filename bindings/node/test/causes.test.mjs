// With nothing configured, a server's own output says why a request was refused, and what to change: the usual causes
// (tests/causes) at Express, Fastify and node:http.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { cleanEnvironment } from "./support/child.mjs";
import { makeKey, startIssuer } from "./support/issuer.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const table = join(here, "..", "..", "..", "tests", "causes");
const { causes } = JSON.parse(readFileSync(join(table, "causes.json"), "utf8"));
const PATIENCE = 20_000;
const BASE = "http://127.0.0.1:8000";

/** A server that anybody would write, with nothing about logging. */
const SERVERS = {
  express: `
    import express from "express";
    import { authkitRouter, requireAuthKit } from "authkit-verifier/express";
    const app = express();
    app.use(authkitRouter());
    app.get("/mcp", requireAuthKit(), (request, response) => response.send("ok"));
    const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));`,
  "node:http": `
    import { createServer } from "node:http";
    import { requireAuthKit } from "authkit-verifier/express";
    const guard = requireAuthKit();
    const server = createServer((request, response) => guard(request, response, () => response.end("ok")));
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`,
  fastify: `
    import fastify from "fastify";
    import { authkit } from "authkit-verifier/fastify";
    const app = fastify();
    app.register(authkit);
    app.get("/mcp", async () => "ok");
    await app.listen({ port: 0, host: "127.0.0.1" });
    console.log(app.server.address().port);`,
  "fastify with its logger": `
    import fastify from "fastify";
    import { authkit } from "authkit-verifier/fastify";
    const app = fastify({ logger: { level: "info", stream: process.stderr } });
    app.register(authkit);
    app.get("/mcp", async () => "ok");
    await app.listen({ port: 0, host: "127.0.0.1" });
    console.log(app.server.address().port);`,
};

/** By the settings that they need: one server for each. */
function groups() {
  const found = new Map();
  for (const cause of causes) {
    const settings = JSON.stringify(cause.settings ?? {});
    found.set(settings, [...(found.get(settings) ?? []), cause]);
  }
  return [...found].map(([settings, all]) => [JSON.parse(settings), all]);
}

let issuer, untrusted, places;

before(async () => {
  issuer = await startIssuer();
  const pem = readFileSync(join(table, "untrusted.pem"));
  untrusted = createTlsServer({ key: pem, cert: pem }).listen(0, "127.0.0.1");
  await once(untrusted, "listening");
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  places = {
    issuer: issuer.url,
    base: BASE,
    resource: `${BASE}/mcp`,
    localhost: BASE.replace("127.0.0.1", "localhost"),
    closed: `http://127.0.0.1:${closed.address().port}`,
    untrusted: `https://127.0.0.1:${untrusted.address().port}`,
  };
  closed.close();
});

after(() => {
  issuer.stop();
  untrusted.close();
});

const PLACE = /\{([a-z]+)\}/g;

function filled(value) {
  const time = /^\{now([+-]\d+)\}$/.exec(value);
  if (time !== null) {
    return Math.floor(Date.now() / 1000) + Number(time[1]);
  }
  return typeof value === "string" ? value.replace(PLACE, (whole, name) => places[name] ?? whole) : value;
}

function pattern(text) {
  return new RegExp(text.replace(PLACE, (_, name) => places[name].replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
}

function tokenOf({ token, claims = {}, signer }) {
  const all = Object.entries({ aud: "{resource}", scope: "mcp:read", ...claims }).map(([name, value]) => [name, filled(value)]);
  return token ?? issuer.mint(Object.fromEntries(all), signer === undefined ? undefined : makeKey("retired-key"));
}

/** Starts a server; its output so far is in `lines`. */
async function serve(script, settings) {
  const usual = {
    AUTHKIT_DOMAIN: "{issuer}",
    AUTHKIT_BASE_URL: "{base}",
    AUTHKIT_REQUIRED_SCOPES: "mcp:read",
    AUTHKIT_ALLOW_INSECURE_LOOPBACK: "true",
    ...settings,
  };
  const set = Object.entries(usual).filter(([, value]) => value !== null);
  const env = cleanEnvironment(Object.fromEntries(set.map(([name, value]) => [name, filled(value)])));
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { env, cwd: here });
  const lines = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  const [port] = await once(createInterface(child.stdout), "line");
  const ask = async (token) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
  return { lines, ask, stop: () => child.kill() };
}

async function check({ lines, ask }, cause) {
  const token = tokenOf(cause);
  const patterns = cause.says.map(pattern);
  const fitting = () => lines.filter((line) => patterns.every((one) => one.test(line)));
  assert.equal(await ask(token), cause.status, cause.name);
  for (const deadline = Date.now() + PATIENCE; fitting().length === 0; await sleep(10)) {
    assert.ok(Date.now() < deadline, `${cause.name}: no line in\n${lines.join("\n")}`);
  }
  for (let again = 0; again < 20; again++) {
    assert.ok([cause.status, cause.later].includes(await ask(token)), cause.name);
  }
  const refusals = fitting().filter((line) => /answered [0-9]{3}: /.test(line));
  assert.ok(refusals.length <= 1, `${cause.name}:\n${refusals.join("\n")}`);
  assert.ok(!lines.some((line) => line.includes(token)), cause.name);
}

for (const [name, script] of Object.entries(SERVERS)) {
  describe(`what ${name} writes`, { timeout: 4 * PATIENCE }, () => {
    for (const [settings, group] of groups()) {
      test(group.map((cause) => cause.name).join(", "), async () => {
        const server = await serve(script, settings);
        try {
          for (const cause of group) {
            await check(server, cause);
          }
          const before = server.lines.filter((line) => /answered [0-9]{3}: /.test(line)).length;
          assert.equal(await server.ask(), 401);
          assert.equal(server.lines.filter((line) => /answered [0-9]{3}: /.test(line)).length, before);
          const starts = server.lines.filter((line) => line.includes("resource indicator: "));
          assert.equal(starts.length, 1);
          assert.match(starts[0], pattern("resource indicator: {resource}"));
        } finally {
          server.stop();
        }
      });
    }
  });
}
