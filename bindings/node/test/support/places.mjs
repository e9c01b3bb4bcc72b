// The library's judge of paths, through the C ABI, and paths that routers read in more ways than one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import koffi from "koffi";

const { fileName } = createRequire(import.meta.url)("../../dist/platform.js");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const library = koffi.load(process.env.AUTHKIT_LIBRARY_PATH ?? here(`../../native/${fileName()}`));
const fromJson = library.func("int32_t authkit_access_from_json(const char *, size_t, _Out_ void **, void *)");
const judge = library.func(
  "int32_t authkit_access_judge(void *, void *, size_t, void *, size_t, void *, size_t, void *, size_t, void *, void *)",
);
const CAPACITY = 8192;

/** Places; `judge` says of a path, and of the prefix that a host knows, whether it is public and what it demands. */
export class Places {
  #pointer;

  constructor(document) {
    const json = JSON.stringify(document);
    const out = [null];
    if (fromJson(json, Buffer.byteLength(json), out, null) !== 0) {
      throw new Error(`no places: ${json}`);
    }
    this.#pointer = out[0];
  }

  judge(path, root = "") {
    const [octets, prefix] = [Buffer.from(path), Buffer.from(root)];
    const [scopes, isPublic] = [Buffer.alloc(CAPACITY), Buffer.alloc(1, 1)];
    const [pathLength, prefixLength] = [octets.length, prefix.length];
    const given = [octets, pathLength, null, 0, prefix, prefixLength, scopes, CAPACITY, isPublic, null];
    if (judge(this.#pointer, ...given) !== 0) {
      throw new Error(`not judged: ${path}`);
    }
    const text = scopes.toString("utf8", 0, scopes.indexOf(0));
    return { isPublic: isPublic[0] === 1, scopes: text.split(" ").filter(Boolean) };
  }
}

// Fixed, so that a run is the same everywhere; AUTHKIT_SEED gives another, AUTHKIT_PATHS says how many.
const SEED = Number(process.env.AUTHKIT_SEED ?? 20261130);
const COUNT = Number(process.env.AUTHKIT_PATHS ?? 1000);

const { found, prefixes, places, junk } = JSON.parse(
  readFileSync(here("../../../../tests/paths/hostile.json"), "utf8"),
);

/** mulberry32 */
function random(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** Targets of requests, ASCII without spaces, as a parser of HTTP lets them through. */
export function hostilePaths(count = COUNT) {
  const below = random(SEED);
  const pick = (from) => from[below(from.length)];
  const hex = (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const swapped = (text) => (text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase());
  const paths = new Set(found.map(({ path }) => path));
  for (let made = 0; made < count; made++) {
    let path = pick(prefixes) + pick(places);
    for (let more = pick([0, 1, 1, 1, 2, 2, 3]); more > 0; more--) {
      const at = pick([below(path.length + 1), path.length]);
      const [before, one, behind] = [path.slice(0, at), path.slice(at, at + 1), path.slice(at + 1)];
      const changes = [swapped(one), one && hex(one), "", pick(junk) + one, pick(junk) + one];
      path = before + pick(changes) + behind;
    }
    paths.add(path);
  }
  return [...paths];
}
