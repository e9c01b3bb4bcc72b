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

/** Of what a thread of several does before others have their turn, in ms. */
const SPELL = 30;

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

/** CPU time of a verdict, in µs: the median of the chunks. */
async function alone(turns, seconds) {
  const cpus = [];
  let count = 1;
  const began = performance.now();
  while (cpus.length === 0 || performance.now() - began < 1000 * seconds) {
    const then = cpu();
    if (isAsync) {
      await turns.takeAsync(count);
    } else {
      turns.take(count);
    }
    const spent = cpu() - then;
    if (cpus.length === 0 && spent < CHUNK / 2) {
      count *= 2;
      continue;
    }
    cpus.push(spent / count);
  }
  return median(cpus);
}

/** Threads by how many tokens they take, each started once and warm. */
const teams = new Map();

async function team(number, threads) {
  if (!teams.has(number)) {
    const workers = Array.from({ length: threads }, (_, at) => {
      const first = Math.floor((at * number) / threads);
      return new Worker(fileURLToPath(import.meta.url), { workerData: { work: [kind, directory, settings], number, first } });
    });
    await Promise.all(workers.map((worker) => once(worker, "message")));
    teams.set(number, workers);
  }
  return teams.get(number);
}

/** What so many threads do at once, in terms of what one of them does alone: the median of turns. */
async function together(number, threads, seconds) {
  const workers = await team(number, threads);
  const gains = [];
  const began = performance.now();
  while (gains.length === 0 || performance.now() - began < 1000 * seconds) {
    const alone = [];
    for (const worker of workers) {
      alone.push(rate(await spell(worker)));
    }
    const spells = await Promise.all(workers.map(spell));
    const all = {
      began: Math.min(...spells.map(({ began }) => began)),
      ended: Math.max(...spells.map(({ ended }) => ended)),
      verdicts: sum(spells.map(({ verdicts }) => verdicts)),
    };
    gains.push((rate(all) * threads) / sum(alone));
  }
  return median(gains);
}

const sum = (figures) => figures.reduce((one, other) => one + other);
const rate = ({ began, ended, verdicts }) => verdicts / (ended - began);

/** What a thread does when it has its turn: so many verdicts between two moments. */
async function spell(worker) {
  const done = once(worker, "message");
  worker.postMessage("turn");
  return (await done)[0];
}

/** One thread of several: says that it is warm, then works whenever it has its turn. */
async function serve() {
  const turns = new Turns(workerData.number, workerData.first);
  await turns.takeAsync(tokens.length);
  // The threads' own clocks begin when they do.
  const now = () => performance.timeOrigin + performance.now();
  parentPort.on("message", async () => {
    const began = now();
    let ended = began;
    let verdicts = 0;
    for (; ended - began < SPELL; ended = now(), verdicts += 4) {
      if (isAsync) {
        await turns.takeAsync(4);
      } else {
        turns.take(4);
      }
    }
    parentPort.postMessage({ began, ended, verdicts });
  });
  parentPort.postMessage("warm");
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
  await Promise.all([...teams.values()].flat().map((worker) => worker.terminate()));
} else {
  await serve();
}
