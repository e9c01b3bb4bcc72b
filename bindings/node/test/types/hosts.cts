// The middlewares' types by require.

import errors = require("@modelcontextprotocol/sdk/server/auth/errors.js");
import http = require("node:http");
import authkit = require("authkit-verifier/express");
import plugins = require("authkit-verifier/fastify");
import web = require("authkit-verifier/fetch");
import mcp = require("authkit-verifier/mcp");

const guard: authkit.Middleware = mcp.requireAuthKit({ toolScopes: {} });
http.createServer((request, response) => void guard(request, response, () => response.end()));
export const verifier: mcp.OAuthTokenVerifier = new mcp.OAuthTokenVerifier({ errors });
export const handler: (request: Request) => Promise<Response> = web.withAuthKit(() => new Response());
export const plugin: typeof plugins.authkit = plugins.authkit;
