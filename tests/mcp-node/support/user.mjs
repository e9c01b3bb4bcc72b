// A user of an MCP server: the SDK's own client and OAuth code, and a person who logs in and consents at once.

import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError as UnauthorizedError1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as Client2, StreamableHTTPClientTransport as Transport2, UnauthorizedError as UnauthorizedError2 } from '@modelcontextprotocol/client';
import { followRedirects, REDIRECT_URI } from '../../authorization-server/login.mjs';

const INFO = { name: 'user', version: '1.0.0' };

/** By generation of the SDK. The second speaks the newest revision of the protocol, and checks who sent the code (RFC 9207). */
const CLIENTS = {
  1: {
    client: () => new Client1(INFO),
    Transport: Transport1,
    Unauthorized: UnauthorizedError1,
    finish: (transport, callback) => transport.finishAuth(callback.searchParams.get('code')),
  },
  2: {
    client: () => new Client2(INFO, { versionNegotiation: { mode: 'auto' } }),
    Transport: Transport2,
    Unauthorized: UnauthorizedError2,
    finish: (transport, callback) => transport.finishAuth(callback.searchParams),
  },
};

export class User {
  /** Where the person was sent to log in, in order. */
  logins = [];
  /** What the server answered to what was posted, in order: the status, and the headers that a client acts upon. */
  answers = [];
  /** What the OAuth code keeps between its calls. */
  tokens;
  #registration;
  #discovery;
  #codeVerifier;
  #callback;
  #sdk;
  #url;
  #client;
  #transport;
  #listens;
  #listening = new Promise((resolve) => { this.#listens = resolve; });

  constructor(generation, baseUrl) {
    this.#sdk = CLIENTS[generation];
    this.#url = new URL(`${baseUrl}/mcp`);
  }

  /** Connects, logging in where the server asks for it. */
  async connect() {
    await this.#loggingIn(async () => {
      this.#transport = new this.#sdk.Transport(this.#url, { authProvider: this.#provider(), fetch: this.#fetch });
      this.#client = this.#sdk.client();
      await this.#client.connect(this.#transport);
    });
    // Clients of the older versions open a stream to listen to, after they have connected: its token is the first one.
    if (this.#transport.protocolVersion < '2026') await this.#listening;
    return this;
  }

  /** A tool's answer, logging in where the server asks for it: the JSON of its text. */
  async call(name) {
    const { content: [{ text }] } = await this.#loggingIn(() => this.#client.callTool({ name, arguments: {} }));
    return JSON.parse(text);
  }

  close() {
    return this.#client.close();
  }

  #fetch = async (url, options) => {
    const response = await fetch(url, options);
    if (String(url) === this.#url.href) {
      const { status, headers } = response;
      if (options.method === 'GET') this.#listens();
      else this.answers.push({ status, challenge: headers.get('www-authenticate'), retryAfter: headers.get('retry-after') });
    }
    return response;
  };

  async #loggingIn(act) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof this.#sdk.Unauthorized)) throw error;
      await this.#sdk.finish(this.#transport, this.#callback);
      return act();
    }
  }

  /** The SDK's `OAuthClientProvider`. */
  #provider() {
    return {
      redirectUrl: REDIRECT_URI,
      clientMetadata: {
        client_name: 'end-to-end tests',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      clientInformation: () => this.#registration,
      saveClientInformation: (registration) => { this.#registration = registration; },
      tokens: () => this.tokens,
      saveTokens: (tokens) => { this.tokens = tokens; },
      discoveryState: () => this.#discovery,
      saveDiscoveryState: (discovery) => { this.#discovery = discovery; },
      codeVerifier: () => this.#codeVerifier,
      saveCodeVerifier: (codeVerifier) => { this.#codeVerifier = codeVerifier; },
      redirectToAuthorization: async (url) => {
        this.logins.push(url);
        this.#callback = await followRedirects(url);
      },
    };
  }
}
