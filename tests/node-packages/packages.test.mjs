// The npm packages as a user gets them: what is in them, and that they verify where no Rust, make or C compiler is.
//
// Packs them anew with the native library that AUTHKIT_LIBRARY_PATH names.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PLATFORMS, packageName } from '../../bindings/node/scripts/platforms.mjs';
import { RELEASES, releaseDirectory } from '../../bindings/node/scripts/releases.mjs';
import { offline } from '../../bindings/node/test/support/issuer.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const LIBRARY = process.env.AUTHKIT_LIBRARY_PATH;
const PLATFORM = Object.keys(PLATFORMS).find((name) => name.startsWith(`${process.platform}-${process.arch}`));
const REPOSITORY = 'git+https://git.example.com/authkit-verifier.git';
const VERSION = JSON.parse(readFileSync(here('../../bindings/node/package.json'), 'utf8')).version;
const ALWAYS = ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];

const scratch = mkdtempSync(join(tmpdir(), 'authkit-packages-'));
const tools = join(scratch, 'bin');
after(() => rmSync(scratch, { recursive: true, force: true }));

/** The tarball of each package, by the package's name. */
let tarballs;

before(async () => {
  tarballs = await pack('own', { [PLATFORM]: LIBRARY });
  // All that npm itself needs. No cargo, no make, no compiler.
  mkdirSync(tools);
  for (const tool of ['node', 'npm', 'sh']) {
    const { stdout } = await run('sh', ['-c', `command -v ${tool}`]);
    symlinkSync(stdout.trim(), join(tools, tool));
  }
});

/** Runs a program to its end; fails with all that it wrote. */
async function run(command, parameters, options = {}) {
  try {
    return await promisify(execFile)(command, parameters, { maxBuffer: 1 << 24, ...options });
  } catch (error) {
    throw new Error(`${command} ${parameters.join(' ')}: ${error.message}\n${error.stdout}${error.stderr}`);
  }
}

async function pack(folder, libraries) {
  const out = join(scratch, folder);
  const given = Object.entries(libraries).map(([platform, library]) => `${platform}=${library}`);
  const { stdout } = await run(process.execPath, [
    here('../../bindings/node/scripts/pack.mjs'), '--out', out, '--repository', REPOSITORY, ...given,
  ]);
  const names = [...Object.keys(libraries).map(packageName), 'authkit-verifier'];
  return Object.fromEntries(names.map((name, index) => [name, stdout.trim().split('\n')[index]]));
}

async function filesOf(tarball) {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  return stdout.trim().split('\n').map((file) => file.replace(/^package\//, '')).sort();
}

async function manifestOf(tarball) {
  const { stdout } = await run('tar', ['-xOzf', tarball, 'package/package.json']);
  return JSON.parse(stdout);
}

// --- what is in them --------------------------------------------------------------------------------

/** What the compiler makes of a source file for those who import it: its types. */
function compiled(source) {
  return `dist/${source.replace(/(m?)ts$/, 'd.$1ts')}`;
}

/** A file of a folder and all that it loads there. */
function reached(folder, file, found = new Set()) {
  if (!found.has(file)) {
    found.add(file);
    for (const [, next] of readFileSync(join(folder, file), 'utf8').matchAll(/^(?:require\(|import )"(\.\/[^"]+)"/gm)) {
      reached(folder, join(dirname(file), next), found);
    }
  }
  return found;
}

test('the package holds what its sources compile to, its licences, and nothing else', async () => {
  const tarball = tarballs['authkit-verifier'];
  const folder = mkdtempSync(join(scratch, 'contents-'));
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder]);
  const { exports } = await manifestOf(tarball);
  const entries = Object.values(exports).flatMap((entry) =>
    entry.require ? [join(entry.require.default), join(entry.import.default)] : [],
  );
  const scripts = new Set(entries.flatMap((entry) => [...reached(folder, entry)]));
  const sources = readdirSync(here('../../bindings/node/src'), { recursive: true }).filter((name) => name.endsWith('ts'));
  assert.deepEqual(await filesOf(tarball), [...ALWAYS, ...scripts, ...sources.map(compiled)].sort());
});

test('the platform\'s package holds the library, its licences, and nothing else', async () => {
  const files = await filesOf(tarballs[packageName(PLATFORM)]);
  assert.deepEqual(files, [...ALWAYS, 'LICENSE-THIRD-PARTY', PLATFORMS[PLATFORM].file].sort());
});

test('whatever the package exports is in it', async () => {
  const targets = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(targets));
  const { exports, main, types } = await manifestOf(tarballs['authkit-verifier']);
  const files = await filesOf(tarballs['authkit-verifier']);
  for (const target of [main, types, ...targets(exports)]) {
    assert.ok(files.includes(target.replace(/^\.\//, '')), target);
  }
});

test('nothing runs at an install, and the packages of a release ask for each other', async () => {
  const manifest = await manifestOf(tarballs['authkit-verifier']);
  assert.deepEqual(Object.keys(manifest.dependencies), ['koffi']);
  assert.match(manifest.dependencies.koffi, /^\d+\.\d+\.\d+$/);
  assert.deepEqual(manifest.optionalDependencies, { [packageName(PLATFORM)]: VERSION });
  const platform = await manifestOf(tarballs[packageName(PLATFORM)]);
  assert.equal(platform.dependencies, undefined);
  for (const { scripts, devDependencies, private: unpublished, version } of [manifest, platform]) {
    assert.deepEqual({ scripts, devDependencies, unpublished, version }, {
      scripts: undefined, devDependencies: undefined, unpublished: undefined, version: VERSION,
    });
  }
});

test('the packages are of the release that the library is of', () => {
  const [, workspace] = /\[workspace\.package\]\nversion = "(.+)"/.exec(readFileSync(here('../../Cargo.toml'), 'utf8'));
  assert.equal(VERSION, workspace);
});

test('a release for many platforms has a package for each, which npm installs on no other', async () => {
  const platforms = ['linux-x64-musl', 'darwin-arm64', 'win32-x64'];
  const built = join(scratch, 'built-elsewhere');
  writeFileSync(built, 'what a machine of that platform has built');
  const many = await pack('many', Object.fromEntries(platforms.map((platform) => [platform, built])));
  const { optionalDependencies } = await manifestOf(many['authkit-verifier']);
  assert.deepEqual(optionalDependencies, Object.fromEntries(platforms.map((name) => [packageName(name), VERSION])));
  for (const [platform, expected] of [
    ['linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
    ['darwin-arm64', { os: ['darwin'], cpu: ['arm64'], libc: undefined }],
    ['win32-x64', { os: ['win32'], cpu: ['x64'], libc: undefined }],
  ]) {
    const { os, cpu, libc } = await manifestOf(many[packageName(platform)]);
    assert.deepEqual({ os, cpu, libc }, expected);
  }
});

test('a platform that is not in the table is refused', async () => {
  await assert.rejects(pack('none', { 'plan9-x64': LIBRARY }), /plan9-x64=.* is not PLATFORM=LIBRARY/);
});

// --- as the registry and TypeScript take them ---------------------------------------------------------

test('npm would publish them, with provenance from a workflow of the repository', async () => {
  for (const tarball of Object.values(tarballs)) {
    const { publishConfig, repository, license } = await manifestOf(tarball);
    assert.deepEqual(publishConfig, { access: 'public', provenance: true });
    assert.deepEqual(repository, { type: 'git', url: REPOSITORY, directory: 'bindings/node' });
    assert.equal(license, 'MIT OR Apache-2.0');
    const { stderr } = await run('npm', ['publish', '--dry-run', tarball]);
    assert.match(stderr, /with tag latest and public access \(dry-run\)/);
    // What npm would correct in a manifest, it says.
    assert.doesNotMatch(stderr, /npm warn publish (?!This command requires you to be logged in)/);
  }
});

test('their manifests are without fault', async () => {
  for (const tarball of Object.values(tarballs)) {
    await run(process.execPath, [here('node_modules/publint/src/cli.js'), '--strict', tarball]);
  }
});

test('TypeScript finds the types of every entry, by import and by require', async () => {
  const cli = here('node_modules/@arethetypeswrong/cli/dist/index.js');
  // node10 knows no `exports`.
  await run(process.execPath, [cli, '--profile', 'node16', tarballs['authkit-verifier']]);
});

// --- as a user installs them --------------------------------------------------------------------------

/** An empty project in which npm has installed the packages. */
async function project(name, packages, ...flags) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const parameters = ['install', '--prefer-offline', '--no-audit', '--no-fund', ...flags];
  const files = packages.map((name) => tarballs[name]);
  await run('npm', [...parameters, ...files], { cwd: folder, env: { PATH: tools, HOME: process.env.HOME } });
  return folder;
}

const VERIFY = `
  const { options, token } = JSON.parse(process.argv[2]);
  try {
    const verifier = new Verifier(options);
    verifier.verify(token).then((claims) => console.log(claims.subject));
  } catch (error) {
    console.log(error.name, error.message);
  }`;

/** What a program in the project writes that imports the package and verifies a token. */
async function verify(folder, kind = 'cjs', node = join(tools, 'node')) {
  const head = {
    mjs: 'import { Verifier } from "authkit-verifier";',
    cjs: 'const { Verifier } = require("authkit-verifier");',
  };
  const file = join(folder, `verify.${kind}`);
  writeFileSync(file, head[kind] + VERIFY);
  const { options, token } = offline();
  const { stdout } = await run(node, [file, JSON.stringify({ options, token })], { env: {} });
  return stdout;
}

test('installed into an empty project, they verify on every Node', async () => {
  for (const tool of ['cargo', 'make', 'cc', 'gcc']) {
    await assert.rejects(run('sh', ['-c', `command -v ${tool}`], { env: { PATH: tools } }), tool);
  }
  const folder = await project('whole', [packageName(PLATFORM), 'authkit-verifier']);
  for (const release of RELEASES) {
    for (const kind of ['mjs', 'cjs']) {
      const answer = await verify(folder, kind, join(releaseDirectory(release), 'node'));
      assert.equal(answer, 'user_01\n', `${kind} on Node ${release}`);
    }
  }
  // Its only dependency, with a native part of its own; nothing else came along.
  const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: folder });
  const names = stdout.trim().split('\n').slice(1).map((path) => path.split('node_modules/').at(-1));
  const koffi = names.filter((name) => /^(koffi|@koromix\/koffi-[\w-]+)$/.test(name));
  assert.equal(koffi.length, 2);
  assert.deepEqual(names.filter((name) => !koffi.includes(name)), [packageName(PLATFORM), 'authkit-verifier']);
});

test('installed without what is optional, it says what is missing and how to get it', async () => {
  // Without scripts, since koffi's would compile what it has prebuilt in an optional package too.
  const folder = await project('bare', ['authkit-verifier'], '--omit=optional', '--ignore-scripts');
  const words = await verify(folder);
  assert.match(words, new RegExp(`^ConfigError .* for ${PLATFORM}: the package ${packageName(PLATFORM)} is not installed`));
  assert.match(words, /npm install --include=optional.*AUTHKIT_LIBRARY_PATH/);
});

test('npm install in a checkout compiles the package and has make build the library', async () => {
  const checkout = join(scratch, 'checkout');
  const folder = join(checkout, 'bindings', 'node');
  const built = ['node_modules', 'dist', 'native'];
  cpSync(here('../../bindings/node'), folder, { recursive: true, filter: (path) => !built.includes(basename(path)) });
  cpSync(here('../../mk/native.mk'), join(checkout, 'mk', 'native.mk'));
  // In place of the build, which takes minutes: what it was asked for, and what it leaves.
  const stub = join(scratch, 'stub');
  mkdirSync(stub);
  writeFileSync(join(stub, 'make'), `#!${process.execPath}
    const { cpSync, writeFileSync } = require('node:fs');
    writeFileSync('asked', process.argv.slice(2).join(' '));
    cpSync(${JSON.stringify(LIBRARY)}, 'build/lib/libauthkit.so');`, { mode: 0o755 });
  const env = { PATH: [stub, tools].join(delimiter), HOME: process.env.HOME };
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder, env });
  assert.equal(readFileSync(join(checkout, 'asked'), 'utf8'), '-f mk/native.mk lib');
  assert.equal(await verify(folder, 'mjs'), 'user_01\n');
});
