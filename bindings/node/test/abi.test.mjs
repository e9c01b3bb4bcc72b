// The declarations in src/ agree with include/authkit.h: koffi would call a wrong one without a word.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

import { native } from "./support/native.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const header = readFileSync(join(here, "..", "..", "..", "include", "authkit.h"), "utf8");
const types = (name) => readFileSync(join(here, "..", "dist", `${name}.d.ts`), "utf8");
const { ABI_VERSION } = createRequire(import.meta.url)("../dist/native.js");

/** From a function's name to its result and parameters, as kinds of machine word. */
const declared = new Map(
  [...header.matchAll(/^(?:AUTHKIT_API\s+)(?:AUTHKIT_MUST_USE\s+)?([^;(]+?)(authkit_\w+)\(([^;]*)\);/gms)].map(([, result, name, list]) => {
    const parameters = list.replace(/\s+/g, " ").trim();
    const words = parameters === "void" ? [] : parameters.split(", ");
    return [name, [kindInC(result), ...words.map((word) => kindInC(word.replace(/\w+$/, "")))]];
  }),
);

function kindInC(type) {
  if (type.includes("*")) {
    return "pointer";
  }
  // koffi knows size_t by its width alone.
  return { authkit_status: "int32_t", authkit_class: "int32_t", authkit_log_level: "int32_t", size_t: "uint64_t" }[type.trim()] ?? type.trim();
}

function kindInKoffi({ name, primitive }) {
  if (primitive === "Pointer" || primitive === "String") {
    return "pointer";
  }
  return { UInt64: "uint64_t", Int64: "int64_t", Int32: "int32_t", UInt32: "uint32_t", Void: "void" }[primitive] ?? name;
}

test("every function that is called is declared as in C", () => {
  assert.ok(declared.size > 30, `${declared.size} functions found in authkit.h`);
  // With those that nothing has used yet, which are the prototype's.
  const names = [];
  for (const name in native) {
    names.push(name);
  }
  assert.ok(names.length > 40, `${names.length} functions called`);
  for (const { info } of names.map((name) => native[name])) {
    const called = [info.result, ...info.arguments.map(({ type }) => type)].map(kindInKoffi);
    assert.deepEqual(called, declared.get(info.name), info.name);
  }
});

test("a worker thread has every function declared before its first verifier is made: it may be terminated from then on", async () => {
  const library = createRequire(import.meta.url).resolve("../dist/library.js");
  const text = `
    const native = require(${JSON.stringify(library)}).native();
    const names = [];
    for (const name in native) names.push(name);
    require("node:worker_threads").parentPort.postMessage([names, Object.keys(native)]);`;
  const worker = new Worker(text, { eval: true });
  const [[names, declared]] = await once(worker, "message");
  await worker.terminate();
  assert.ok(names.length > 40);
  assert.deepEqual(declared, names);
});

test("the ABI that is asked for is the header's", () => {
  assert.equal(ABI_VERSION, Number(/^#define AUTHKIT_ABI_VERSION (\d+)$/m.exec(header)[1]));
});

test("every setting is an option", () => {
  const table = header.slice(header.indexOf("Sets one setting,"), header.indexOf("authkit_config_set(authkit_config"));
  const settings = [...table.matchAll(/^ \* - (\w+): /gm)].map(([, name]) => name);
  assert.ok(settings.length >= 20);
  const options = types("options");
  for (const name of settings) {
    const option = name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    assert.ok(options.includes(`    ${option}?: `), option);
  }
});

test("every status that a call can fail with has its name in the types", () => {
  const statuses = [...header.matchAll(/^ {4}AUTHKIT_(?!CLASS_|KIND_|FAMILY_|LOG_)(\w+) = /gm)].map(([, name]) => name);
  assert.ok(statuses.includes("EXPIRED"));
  const codes = types("errors");
  for (const name of statuses.filter((name) => !["OK", "ABSENT"].includes(name))) {
    assert.ok(codes.includes(`"${name}"`), name);
  }
});
