// Runs a script in a process of its own: until it has ended, or until it is told to.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

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

/** Starts a server that prints one line when it listens: that line, and `stop()`. */
export async function start(parameters, { env = cleanEnvironment(), cwd } = {}) {
  const child = spawn(process.execPath, parameters, { env, cwd, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${parameters[0]} ended with status ${code}`);
  });
  ended.catch(() => {}); // its end after stop() is no failure
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  return { line, stop: () => child.kill() };
}
