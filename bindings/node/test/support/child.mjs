// Runs a script in a process of its own and tells how it ended.

import { spawn } from "node:child_process";

/** The environment without settings, so that none of the developer's reaches a test. */
export function cleanEnvironment(changes = {}) {
  const kept = Object.entries(process.env).filter(
    ([name]) => name === "AUTHKIT_LIBRARY_PATH" || !/^(AUTHKIT_|FASTMCP_)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...changes };
}

/** Resolves when the process has ended. While it runs, `message(text)` speaks to it and `answered` hears it. */
export function run(parameters, { env = cleanEnvironment(), cwd, input = "" } = {}) {
  const child = spawn(process.execPath, parameters, { env, cwd, stdio: ["pipe", "pipe", "pipe", "ipc"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
  }
  child.stdin.on("error", () => {}); // a child that ends without reading is no failure of ours
  child.stdin.end(input);
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
  const answered = new Promise((resolve) => child.once("message", resolve));
  return Object.assign(ended, { answered, message: (text) => child.send(text) });
}
