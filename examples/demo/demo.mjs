// Logs a real client in at a local authorization server and shows one token, and its bad relatives, to
// every face of the library. Exits non-zero if any verdict is not the expected one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { login } from '../../tests/authorization-server/login.mjs'

const AUTHORIZATION_SERVER = new URL('../../tests/authorization-server/server.mjs', import.meta.url).pathname
const BASE_URL = 'https://mcp.example.com'
const RESOURCE = `${BASE_URL}/mcp`
const REQUIRED_SCOPE = 'mcp:read'

const { values: options } = parseArgs({
  options: Object.fromEntries(['c', 'cpp', 'python', 'node', 'cli'].map((face) => [face, { type: 'string' }])),
})

/** Every face: a command that takes the token on standard input and its settings from the environment. */
const FACES = {
  C: [options.c],
  'C++': [options.cpp],
  Python: [options.python, 'examples/python/verify.py'],
  Node: [options.node ?? process.execPath, 'examples/node/verify.mjs'],
  CLI: [options.cli, 'verify', '--json'],
}

async function main() {
  const server = await startAuthorizationServer()
  try {
    const cases = await makeCases(server)
    const settings = environment(server.issuer)
    console.log(`Authorization server  ${server.issuer}   (oidc-provider, in AuthKit's shape)`)
    console.log(`Resource              ${RESOURCE}, scope ${REQUIRED_SCOPE} required\n`)
    let unexpected = 0
    printHeading()
    for (const testCase of cases) {
      await testCase.before?.()
      unexpected += await showCase(testCase, settings)
      await testCase.after?.()
    }
    console.log(unexpected === 0 ? '\nEvery verdict is the expected one.' : `\n${unexpected} verdicts are NOT the expected ones.`)
    return unexpected === 0 ? 0 : 1
  } finally {
    server.stop()
  }
}

async function startAuthorizationServer() {
  const child = spawn(process.execPath, [AUTHORIZATION_SERVER, '--exit-with-stdin'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the authorization server ended with status ${code}`)
  })
  failed.catch(() => {}) // its end after stop() is no failure
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), failed])
  return { ...JSON.parse(line), stop: () => child.stdin.end() }
}

/** The settings alone: none of the developer's own reach the faces. */
function environment(issuer) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('AUTHKIT_') && !name.startsWith('FASTMCP_'))
  return {
    ...Object.fromEntries(inherited),
    ...(process.env.AUTHKIT_LIBRARY_PATH && { AUTHKIT_LIBRARY_PATH: process.env.AUTHKIT_LIBRARY_PATH }),
    AUTHKIT_DOMAIN: issuer,
    AUTHKIT_BASE_URL: BASE_URL,
    AUTHKIT_REQUIRED_SCOPES: REQUIRED_SCOPE,
    AUTHKIT_ALLOW_INSECURE_LOOPBACK: 'true',
  }
}

async function makeCases({ issuer, admin }) {
  const scope = `openid profile ${REQUIRED_SCOPE}`
  const { access_token: good } = await login({ issuer, resource: RESOURCE, scope })
  const { access_token: unbound } = await login({ issuer, scope })
  const { access_token: narrow } = await login({ issuer, resource: RESOURCE, scope: 'openid profile' })
  const post = (path, body) => fetch(`${admin}/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const mint = async ({ claims, ...rest }) => {
    const response = await post('mint', { claims: { aud: RESOURCE, scope, ...claims }, ...rest })
    if (!response.ok) throw new Error(`mint: HTTP ${response.status} ${await response.text()}`)
    return (await response.json()).token
  }
  const [header, , signature] = good.split('.')
  const claims = JSON.parse(Buffer.from(good.split('.')[1], 'base64url'))
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'user_somebody_else' })).toString('base64url')
  return [
    { what: 'from a real login', token: good, code: 'OK', http: 200 },
    { what: 'tampered with', token: `${header}.${forged}.${signature}`, code: 'SIGNATURE', http: 401 },
    { what: 'expired', token: await mint({ claims: { iat: claims.iat - 7200, exp: claims.iat - 3600 } }), code: 'EXPIRED', http: 401 },
    { what: 'for another server', token: await mint({ claims: { aud: 'https://other.example/mcp' } }), code: 'AUDIENCE', http: 401 },
    { what: 'login without resource', token: unbound, code: 'AUDIENCE', http: 401 },
    { what: 'from another issuer', token: await mint({ claims: { iss: 'https://evil.example' } }), code: 'ISSUER', http: 401 },
    { what: 'alg none', token: await mint({ signer: 'none' }), code: 'ALGORITHM', http: 401 },
    { what: 'HS256, public key', token: await mint({ signer: 'hs256-public-key' }), code: 'ALGORITHM', http: 401 },
    { what: 'unknown key id', token: await mint({ signer: 'foreign', header: { kid: 'sso_oidc_key_pair_unknown' } }), code: 'UNKNOWN_KEY', http: 401 },
    { what: 'another key, our kid', token: await mint({ signer: 'foreign' }), code: 'SIGNATURE', http: 401 },
    { what: 'login without the scope', token: narrow, code: 'SCOPE', http: 403 },
    {
      what: 'good, issuer down', token: good, code: 'KEYS_UNAVAILABLE', http: 503,
      before: () => post('outage', { status: 500 }), after: () => post('outage', { status: 0 }),
    },
  ]
}

/** Shows one token to every face; answers how many verdicts were not the expected one. */
async function showCase({ what, token, code, http }, settings) {
  const verdicts = await Promise.all(Object.entries(FACES).map(([face, command]) => ask(face, command, token, settings)))
  const fits = verdicts.map((verdict) => verdict.code === code && verdict.http === http && verdict.detail.length > 0)
  const cells = verdicts.map((verdict, face) => (fits[face] ? 'as expected' : `${verdict.code} ${verdict.http}`).padEnd(12))
  console.log(`${what.padEnd(24)}${`${code} ${http}`.padEnd(22)}${cells.join('')}`)
  console.log(`  ${verdicts[0].detail}`)
  if (verdicts[0].hint) console.log(`  hint: ${verdicts[0].hint}`)
  return fits.filter((fit) => !fit).length
}

function printHeading() {
  console.log(`${'token'.padEnd(24)}${'verdict'.padEnd(22)}${Object.keys(FACES).map((face) => face.padEnd(12)).join('')}`)
  console.log('-'.repeat(24 + 22 + 12 * Object.keys(FACES).length))
}

async function ask(face, [command, ...args], token, settings) {
  const child = spawn(command, args, { env: settings, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // a face that failed to start is told by its output
  child.stdin.end(`${token}\n`)
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const verdict = face === 'CLI' ? readJson(output) : readText(output)
  return verdict ?? { code: 'NO VERDICT', http: 0, detail: `${output}${errors}`.trim() }
}

async function text(stream) {
  return (await stream.toArray()).join('')
}

/** The examples' two lines: `accepted: SUBJECT`, or `CODE, HTTP STATUS: REASON` and perhaps `hint: HINT`. */
function readText(output) {
  const accepted = /^accepted: (.+)$/m.exec(output)
  if (accepted) return { code: 'OK', http: 200, detail: `subject ${accepted[1]}` }
  const refused = /^([A-Z_]+), HTTP (\d+): (.+)$/m.exec(output)
  return refused && { code: refused[1], http: Number(refused[2]), detail: refused[3], hint: /^hint: (.+)$/m.exec(output)?.[1] }
}

function readJson(output) {
  try {
    const { code, http_status: http, reason, hint, claims } = JSON.parse(output)
    return { code, http, detail: reason ?? `subject ${claims.sub}`, hint }
  } catch {
    return undefined
  }
}

process.exitCode = await main()
