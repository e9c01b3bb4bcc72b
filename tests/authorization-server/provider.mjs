// Configures oidc-provider to answer as AuthKit does: paths, metadata, registration, and access tokens.

import { errors, Provider } from 'oidc-provider';
import { ENVIRONMENT_CLIENT, newId, ORGANIZATION, USER } from './ids.mjs';

const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'mcp:read', 'mcp:write'];
const INTERACTION = '/oauth2/interaction/';
const NO_RESOURCE = 'urn:authkit:environment';
const HOUR = 3600;
const DAY = 24 * HOUR;

/** `storage` and `cookieKeys` outlive one provider, so that a rotation does not end sessions. */
export function createProvider({ issuer, keys, storage, cookieKeys }) {
  const provider = new Provider(issuer, {
    adapter: storage,
    jwks: keys.privateJwks(),
    cookies: { keys: cookieKeys },
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      registration: '/oauth2/register',
      jwks: '/oauth2/jwks',
      userinfo: '/oauth2/userinfo',
    },
    scopes: SCOPES,
    claims: { openid: ['sub'], profile: ['name', 'given_name', 'family_name'], email: ['email', 'email_verified'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_post', 'client_secret_basic'],
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    // What a client registered for is no limit: it learns from a server's challenges what its operations need.
    extraClientMetadata: { properties: ['scope'], validator: (_ctx, _name, _scope, client) => { delete client.scope; } },
    ttl: {
      AccessToken: HOUR, AuthorizationCode: 60, Grant: DAY, IdToken: HOUR, Interaction: HOUR, RefreshToken: DAY, Session: DAY,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: true, issueRegistrationAccessToken: false, idFactory: () => newId('client_') },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) => oneOf?.[0] ?? NO_RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => resourceServer(resource),
      },
    },
    formats: { customizers: { jwt: likeAuthKit } },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => userClaims(id) }),
    interactions: { url: (_ctx, interaction) => INTERACTION + interaction.uid },
    loadExistingGrant: grantAllThatIsAsked,
    renderError: (ctx, body) => { ctx.body = body; },
  });

  provider.use((ctx, next) => {
    if (ctx.path === '/oauth2/authorize') ctx.query = withDefaults(ctx.query);
    return next();
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  return provider;
}

/** The page where a person would log in and consent: here it does both at once. Tells whether the request was for it. */
export async function finishInteraction(provider, request, response) {
  if (!request.url.startsWith(INTERACTION)) return false;
  await provider.interactionFinished(request, response, { login: { accountId: USER }, consent: {} });
  return true;
}

/** AuthKit asks for consent and grants `offline_access` without being told to; oidc-provider wants `prompt=consent`. */
function withDefaults(query) {
  return { prompt: 'consent', scope: 'openid profile email', ...query };
}

/** Any http(s) resource is configured; without one, the audience falls back to the environment's client id. */
function resourceServer(resource) {
  if (resource !== NO_RESOURCE && !/^https?:\/\//i.test(resource)) {
    throw new errors.InvalidTarget('resource indicator must be an http or https URI');
  }
  return {
    audience: resource === NO_RESOURCE ? ENVIRONMENT_CLIENT : resource,
    scope: SCOPES.join(' '),
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

function likeAuthKit(_ctx, token, jwt) {
  const { iss, aud, sub, client_id, scope, iat, exp } = jwt.payload;
  const sid = newId('session_', token.sessionUid);
  jwt.header = { typ: undefined }; // AuthKit sends no typ; the provider's own is at+jwt
  jwt.payload = { iss, aud, sub, client_id, org_id: ORGANIZATION, sid, scope, jti: newId(''), iat, exp };
}

async function grantAllThatIsAsked({ oidc }) {
  const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope(oidc.params.scope);
  for (const resource of Object.keys(oidc.resourceServers)) grant.addResourceScope(resource, oidc.params.scope);
  await grant.save();
  return grant;
}

function userClaims(sub) {
  return { sub, name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace', email: 'ada@example.com', email_verified: true };
}
