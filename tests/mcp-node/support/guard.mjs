// The guard of an Express app: the library's answers, sent as they are.

import { Verifier } from 'authkit-verifier';

export { Verifier };

export function authkitRouter(verifier) {
  return async (request, response, next) => {
    const document = await verifier.wellKnown(request.method, request.path);
    if (document === null) next();
    else send(response, document);
  };
}

export function requireAuthKit(verifier) {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    const decision = await verifier.authorize(authorization, { query: request.originalUrl.split('?')[1] });
    if (!decision.allowed) return send(response, decision);
    const { clientId, scopes, expiresAt, subject } = decision.claims;
    request.auth = { token: authorization, clientId, scopes: [...scopes], expiresAt, extra: { subject } };
    return next();
  };
}

function send(response, { status, headers, body }) {
  response.writeHead(status, headers).end(body);
}
