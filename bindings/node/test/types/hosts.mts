// The middlewares' types as users of each host see them.

import { createServer } from "node:http";

import * as errors1 from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth as requireBearerAuth1 } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import type { AuthInfo as AuthInfo1 } from "@modelcontextprotocol/sdk/server/auth/types.js";
import * as errors2 from "@modelcontextprotocol/server";
import { Verifier, type AuthKitError } from "authkit-verifier";
import { requireAuthKit, authkitRouter, requireScopes, type AuthInfo, type Claims } from "authkit-verifier/express";
import {
  authkit as authkitFastify,
  authkitRouter as routerFastify,
  requireScopes as scopesFastify,
} from "authkit-verifier/fastify";
import { requireAuthKit as judgeBy, wellKnown, withAuthKit } from "authkit-verifier/fetch";
import { OAuthTokenVerifier, checkScopes } from "authkit-verifier/mcp";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";

const verifier = Verifier.fromEnv();
const app = express();
app.use(authkitRouter());
app.post(
  "/mcp",
  requireAuthKit({
    verifier,
    toolScopes: { remove: ["files:write"] },
    cors: ["https://app.example.com"],
    onRefusal: (refusal: AuthKitError, request) => console.log(refusal.code, request.url),
    log: console.log,
  }),
  requireScopes("a", "b"),
  (request, response) => {
    const claims: Claims | undefined = request.authkit;
    const info: AuthInfo1 | undefined = request.auth;
    response.json([claims?.subject, info?.clientId]);
  },
);

const guard = requireAuthKit();
createServer((request, response) => void guard(request, response, () => response.end()));

requireBearerAuth1({ verifier: new OAuthTokenVerifier({ errors: errors1 }) });
errors2.requireBearerAuth({ verifier: new OAuthTokenVerifier({ errors: errors2, requiredScopes: ["a"] }) });

export async function tool(extra: { authInfo?: AuthInfo1 }): Promise<string> {
  const claims = await checkScopes(extra.authInfo, ["files:write"]);
  return claims.subject;
}

export function assignable(ours: AuthInfo): [AuthInfo1, errors2.AuthInfo] {
  return [ours, ours];
}

// @ts-expect-error a misspelt option
requireAuthKit({ requiredScope: ["a"] });
// @ts-expect-error the host's errors must be given
new OAuthTokenVerifier({ verifier });
// @ts-expect-error errors of something else
new OAuthTokenVerifier({ errors: { TypeError } });
// @ts-expect-error the scopes of a tool are a list
requireAuthKit({ toolScopes: { remove: "files:write" } });

const app5 = fastify();
app5.register(authkitFastify, {
  verifier,
  toolScopes: { remove: ["a"] },
  onRefusal: (_, request) => request.log.info("refused"),
});
app5.register(authkitFastify, { prefix: "/x" });
app5.register(routerFastify, { verifier });
app5.get("/", { preHandler: scopesFastify("a") }, async (request) => request.authkit?.subject);
// @ts-expect-error a misspelt option
app5.register(authkitFastify, { requiredScope: ["a"] });

export const POST = withAuthKit(async (request, { params }: { params: Promise<{ id: string }> }) => {
  const { id } = await params;
  return Response.json({ id, subject: request.authkit.subject, client: request.auth.clientId });
});
const hono = new Hono<{ Variables: { authkit: Claims; auth: AuthInfo } }>();
hono.use("/mcp", withAuthKit({ verifier, requiredScopes: ["a"] }));
hono.get("/mcp", (context) => context.json(context.get("authkit").subject));
hono.get("/.well-known/*", async (context) => (await wellKnown(context.req.raw)) ?? context.notFound());

export async function gate(request: Request): Promise<Response> {
  const claims = await judge(request);
  return claims instanceof Response ? claims : new Response(claims.subject);
}
const judge = judgeBy({ anyScopes: ["a", "b"] });
