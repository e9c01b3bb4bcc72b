// Verifiers for Node as workers of `make bench`: worker.mjs CASE DIRECTORY [SETTINGS].
//
// What a worker is asked and answers: benches/peers/workers.py. CPU time is the process's, with what V8 compiles and
// collects on other threads. With several threads each has a verifier of its own: JavaScript shares none.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

import { VERIFIERS } from "./verifiers.mjs";

/** Of a chunk, whose time is one figure, in µs. */
const CHUNK = 5000;

const [kind, directory, settings] = isMainThread ? process.argv.slice(2) : workerData.work;
const lines = (name) => readFileSync(join(directory, name), "utf8").trim().split("\n");
const tokens = lines("tokens");
const verify = VERIFIERS[kind](directory, settings);
const isAsync = verify(tokens[0]) instanceof Promise;

/** Tokens that are verified in turn, the first `number` of them, again and again. */
class Turns {
  constructor(number, next = 0) {
    this.number = number;
    this.next = next;
  }

  take(count) {
    for (let taken = 0; taken < count; taken++) {
      verify(tokens[this.next]);
      this.next = this.next + 1 < this.number ? this.next + 1 : 0;
    }
  }

  async takeAsync(count) {
    for (let taken = 0; taken < count; taken++) {
      await verify(tokens[this.next]);
      this.next = this.next + 1 < this.number ? this.next + 1 : 0;
    }
  }
}

/** A verifier accepts every good token and no bad one, or it is none. */
async function check() {
  await new Turns(tokens.length).takeAsync(tokens.length);
  for (const token of lines("refused")) {
    let accepted = true;
    try {
      await verify(token);
    } catch {
      accepted = false;
    }
    if (accepted) {
      throw new Error("took a bad token");
    }
  }
}

const median = (figures) => figures.sort((one, other) => one - other)[figures.length >> 1];

function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** CPU and wall time of a verdict, in µs: the medians of the chunks. */
async function alone(turns, seconds) {
  const [cpus, walls] = [[], []];
  let count = 1;
  const began = performance.now();
  while (cpus.length === 0 || performance.now() - began < 1000 * seconds) {
    const [then, cpuThen] = [performance.now(), cpu()];
    if (isAsync) {
      await turns.takeAsync(count);
    } else {
      turns.take(count);
    }
    const [spent, passed] = [cpu() - cpuThen, 1000 * (performance.now() - then)];
    if (cpus.length === 0 && spent < CHUNK / 2) {
      count *= 2;
      continue;
    }
    cpus.push(spent / count);
    walls.push(passed / count);
  }
  return `${median(cpus)} ${median(walls)}`;
}

/** Wall time of a verdict in µs, all threads together. */
async function together(number, threads, seconds) {
  const workers = Array.from({ length: threads }, (_, at) => {
    const first = Math.floor((at * number) / threads);
    return new Worker(fileURLToPath(import.meta.url), { workerData: { work: [kind, directory, settings], number, first } });
  });
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const began = performance.now();
  const done = workers.map((worker) => once(worker, "message"));
  workers.forEach((worker) => worker.postMessage(seconds));
  const verdicts = (await Promise.all(done)).reduce((sum, [taken]) => sum + taken, 0);
  const wall = (1000 * (performance.now() - began)) / verdicts;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return `${wall} ${wall}`;
}

/** One thread of several: says that it is warm, verifies for so many seconds, says how many. */
async function take() {
  const turns = new Turns(workerData.number, workerData.first);
  await turns.takeAsync(tokens.length);
  parentPort.postMessage("warm");
  const [seconds] = await once(parentPort, "message");
  const began = performance.now();
  let taken = 0;
  for (; performance.now() - began < 1000 * seconds; taken += 64) {
    if (isAsync) {
      await turns.takeAsync(64);
    } else {
      turns.take(64);
    }
  }
  parentPort.postMessage(taken);
}

if (isMainThread) {
  await check();
  console.log("ready");
  for await (const line of createInterface(process.stdin)) {
    const [pattern, threads, seconds] = line.split(" ");
    const number = pattern === "repeat" ? 1 : tokens.length;
    const answer =
      threads === "1" ? alone(new Turns(number), Number(seconds)) : together(number, Number(threads), Number(seconds));
    console.log(await answer);
  }
} else {
  await take();
}
