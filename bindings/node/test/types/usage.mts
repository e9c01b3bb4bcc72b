// What TypeScript must accept, and what it must refuse.

import {
  AuthKitError,
  InsufficientScopeError,
  KeysUnavailableError,
  TokenError,
  Verifier,
  watchEvents,
  type Claims,
  type Event,
  type Stats,
  type VerifierOptions,
  type VerifyOptions,
} from "authkit-verifier";

const scopes: readonly string[] = ["read"];
const options: VerifierOptions = {
  authkitDomain: "https://example.authkit.app",
  baseUrl: process.env["BASE_URL"],
  requiredScopes: scopes,
  issuers: { "https://a.example.com": null, "https://b.example.com": { jwksUrl: "https://b.example.com/keys" } },
  algorithms: ["RS256", "EdDSA"],
  typ: "rfc9068",
  jwks: { keys: [] },
};

export async function usage(token: string | Uint8Array): Promise<number> {
  using verifier = new Verifier(options);
  using other: Verifier = Verifier.fromEnv({ envFile: ".env" });
  const demands: VerifyOptions = { requiredScopes: scopes, anyScopes: ["a", "b"], now: undefined };
  const description: string = verifier.describe();
  try {
    const claims: Claims = await verifier.verify(token, demands);
    const synchronous: Claims = verifier.verifySync(token) ?? other.tryVerify(token);
    const subject: string = claims.subject;
    const issuedAt: number | undefined = claims.issuedAt;
    const kind: "user" | "machine" | "unknown" = claims.kind;
    const roles: readonly string[] = claims.roles;
    const organization = claims.payload["org_id"];
    if (typeof organization === "string") {
      organization.toUpperCase();
    }
    // @ts-expect-error a claim can be missing
    claims.payload["org_id"].toString();
    // @ts-expect-error claims are read-only
    claims.subject = "someone else";
    // @ts-expect-error so are their lists
    claims.scopes.push("admin");
    verifier.setJwks({ keys: [] }, "https://example.authkit.app");
    await verifier.refresh();
    await verifier.waitReady(1000);
    const stats: Stats = verifier.stats();
    const age: number | null | undefined = stats.issuers[0]?.age;
    // @ts-expect-error stats are read-only
    stats.events_lost = age ?? 0;
    using watch = watchEvents(verifier, { interval: 100, callback: (event: Event) => console.log(event.issuer) });
    watch.drain();
    for (const event of verifier.events()) {
      if (event.event === "failed") {
        event.reason.toUpperCase();
        // @ts-expect-error a failed fetch rotates nothing
        event.added.toString();
      }
    }
    const resource: string | undefined = verifier.resource;
    return [subject, issuedAt, synchronous, resource, description, kind, roles].length;
  } catch (error) {
    if (error instanceof KeysUnavailableError) {
      const seconds: number | undefined = error.retryAfter;
      return seconds ?? 1;
    }
    if (error instanceof InsufficientScopeError || error instanceof TokenError) {
      const challenge: string | undefined = error.error;
      return challenge === undefined ? 0 : error.httpStatus;
    }
    if (error instanceof AuthKitError && error.code === "EXPIRED") {
      return error.status;
    }
    throw error;
  }
}

// @ts-expect-error a misspelt option
new Verifier({ requiredScope: ["read"] });
// @ts-expect-error a symmetric algorithm
new Verifier({ algorithms: ["HS256"] });
// @ts-expect-error a misspelt demand
void new Verifier(options).verify("", { requiredScope: ["read"] });
// @ts-expect-error one scope is a list too
void new Verifier(options).verify("", { requiredScopes: "read" });
// @ts-expect-error a token may be missing from a request, and the caller must say what then
void new Verifier(options).verify(undefined as string | undefined);
