// The middlewares' types by require.

import errors = require("@modelcontextprotocol/sdk/server/auth/errors.js");
import http = require("node:http");
import authkit = require("authkit-verifier/express");
import mcp = require("authkit-verifier/mcp");

const guard: authkit.Middleware = mcp.requireAuthKit({ toolScopes: {} });
http.createServer((request, response) => void guard(request, response, () => response.end()));
export const verifier: mcp.OAuthTokenVerifier = new mcp.OAuthTokenVerifier({ errors });
