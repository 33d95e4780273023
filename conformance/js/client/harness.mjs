// Runs checks against servers of the Go tests: each check gets a server of its own (a
// stage) and a set of clients that are disconnected at its end. Results are written to
// standard output, one JSON line each.
import { inspect, isDeepStrictEqual } from "node:util";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { Manager } from "socket.io-client";

const control = process.env.KACHI_CONTROL;
const encoded = process.env.KACHI_PARSER; // a package; without it packets are JSON
const parser = encoded && (await import(encoded));
const only = new RegExp(process.env.KACHI_CHECK ?? "");

// How a client may connect.
const WAYS = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};
export const EACH = Object.keys(WAYS);

const PATIENCE = 30_000; // ms: a bound on a broken check, not a claim about speed
const AT_ONCE = 12;

const checks = [];

// check declares a check, which runs once for each of the ways. body gets a Play. json is
// for those that ask of the parser what only that for JSON can do.
export function check(name, { fixture, ways = EACH, json = false }, body) {
  if (json && encoded) return;
  for (const way of ways) checks.push({ name: `${way}/${name}`, way, fixture, body });
}

// run runs all checks that were declared, several at once, and ends the process.
export async function run() {
  const chosen = checks.filter(({ name }) => only.test(name));
  const queue = [...chosen];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let c; (c = queue.shift()); ) await perform(c);
  }));
  report({ done: chosen.length });
  process.stdout.write("", () => process.exit(0));
}

function report(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function perform({ name, way, fixture, body }) {
  const errors = [];
  const note = (error) => errors.push(error instanceof Error ? error.stack : inspect(error));
  let play;
  try {
    play = new Play(way, await ask("open", { fixture }));
    await within(75_000, body(play), "the check did not come to its end");
    await play.settle();
  } catch (error) {
    note(error);
  }
  try {
    await play?.end(errors.length === 0);
  } catch (error) {
    note(error);
  }
  report({ name, stage: play?.stage, error: errors.join("\n") });
}

async function ask(what, query, args = []) {
  const url = `${control}/${what}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(args) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what} ${JSON.stringify(query)}: ${text.trim()}`);
  return JSON.parse(text);
}

// Play is what one check works with.
class Play {
  #cleanup = [];
  #managers = new Set();

  constructor(way, { stage, url, ca }) {
    Object.assign(this, { way, stage, url, ca });
  }

  // options of a client that connects in this check's way. Reconnecting is quick.
  options(more = {}) {
    return {
      transports: WAYS[this.way],
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      ...(this.ca ? { ca: this.ca } : {}),
      ...(encoded ? { path: "/encoded", parser } : {}),
      ...more,
    };
  }

  // manager makes a connection of its own, which is closed at the end of the check.
  manager(options = {}, url = this.url) {
    const manager = new Manager(url, this.options({ autoConnect: false, ...options }));
    this.#managers.add(manager);
    return manager;
  }

  // socket makes a client with a connection of its own and begins to connect.
  socket(namespace = "/", options = {}, url = this.url) {
    const { auth, retries, ackTimeout, ...rest } = options;
    const socket = this.manager(rest, url).socket(namespace, { auth, retries, ackTimeout });
    if (options.autoConnect !== false) socket.connect();
    return socket;
  }

  // connect is socket, and waits until it is connected.
  async connect(namespace, options, url) {
    const socket = this.socket(namespace, options, url);
    await connected(socket);
    return socket;
  }

  // connectAll makes n connected clients.
  connectAll(n, namespace, options) {
    return Promise.all(Array.from({ length: n }, () => this.connect(namespace, options)));
  }

  // control asks the server's side of the stage for something.
  control(name, ...args) {
    return ask("call", { stage: this.stage, name }, args);
  }

  // after registers what must be undone.
  after(f) {
    this.#cleanup.push(f);
  }

  // request asks the server for something over plain HTTP, with any headers.
  async request(path, { method = "GET", headers = {}, body } = {}) {
    const request = http.request(this.url + path, { method, headers });
    request.end(body);
    const [response] = await once(request, "response");
    const parts = await response.toArray();
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
  }

  // proxy puts a TCP proxy before the server, whose lines can be cut and frozen.
  async proxy() {
    const upstream = new URL(this.url).port;
    const lines = new Set();
    let frozen = false;
    const server = net.createServer((near) => {
      const far = net.connect(upstream, "127.0.0.1");
      const line = [near, far];
      lines.add(line);
      near.on("data", (data) => far.write(data));
      far.on("data", (data) => {
        proxy.received += data.length;
        near.write(data);
      });
      for (const [end, other] of [[near, far], [far, near]]) {
        end.on("error", () => {});
        end.on("close", () => {
          if (frozen) return; // that has not come through, either
          other.destroy();
          lines.delete(line);
        });
        if (frozen) end.pause();
      }
    });
    server.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.on("listening", resolve));
    const each = (f) => lines.forEach((line) => line.forEach(f));
    const proxy = {
      url: `http://127.0.0.1:${server.address().port}`,
      received: 0, // bytes from the server
      cut: () => each((end) => end.destroy()),
      // sever cuts until the client has noticed: a poll that has not come so far is not
      // cut by the first.
      async sever(socket) {
        const ended = next(socket, "disconnect");
        const cutting = setInterval(proxy.cut, 10);
        proxy.cut();
        return ended.finally(() => clearInterval(cutting));
      },
      freeze() {
        frozen = true;
        each((end) => end.pause());
      },
      thaw() {
        frozen = false;
        for (const line of lines) {
          if (line.some((end) => end.destroyed)) line.forEach((end) => end.destroy());
          else line.forEach((end) => end.resume());
        }
      },
      close() {
        server.close();
        proxy.cut();
      },
    };
    this.after(async () => {
      // What the clients said last is still on its way.
      if (!frozen) await until(async () => (await this.control("connections")) === 0, "the end of connections by the proxy");
      proxy.close();
    });
    return proxy;
  }

  // settle waits, where clients upgrade, until those that are connected have: an upgrade
  // that does not succeed is a failure of every check that began with one.
  async settle() {
    if (this.way !== "upgrade") return;
    for (const { engine, opts } of this.#managers) {
      if (engine?.readyState !== "open" || engine._upgrades?.length === 0 || opts.upgrade === false) continue;
      await until(() => engine.readyState !== "open" || engine.transport.name === "websocket", "the upgrade");
    }
  }

  async end(passed) {
    for (const manager of this.#managers) {
      manager.reconnection(false);
      for (const socket of Object.values(manager.nsps)) socket.disconnect();
      manager._close();
    }
    for (const f of this.#cleanup.reverse()) await f();
    await ask("close", { stage: this.stage, empty: passed });
  }
}

// within rejects when the promise takes longer than ms.
export async function within(ms, promise, about) {
  const late = new Error(about); // here, for the caller's line
  let timer;
  const timeout = new Promise((_, reject) => (timer = setTimeout(() => reject(late), ms)));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

// next returns the arguments of the emitter's next event of that name.
export function next(emitter, event) {
  return within(PATIENCE, new Promise((resolve) => emitter.once(event, (...args) => resolve(args))), `no ${event}`);
}

// connected waits until the socket is connected, also at a later attempt, and fails when
// it is refused.
export async function connected(socket) {
  if (socket.connected) return;
  let refuse;
  const outcome = new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    refuse = (error) => socket.active || reject(error);
    socket.on("connect_error", refuse);
  });
  await within(PATIENCE, outcome, "no connect");
  socket.off("connect_error", refuse);
}

// collect keeps the arguments of every event of that name.
export function collect(emitter, event) {
  const all = [];
  emitter.on(event, (...args) => all.push(args));
  return all;
}

// until waits until the condition holds.
export async function until(condition, about) {
  const late = new Error(`never came: ${about ?? condition}`);
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    if (Date.now() > deadline) throw late;
    await pause(5);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// equal compares deeply and shows both.
export function equal(got, want, about = "not equal") {
  if (isDeepStrictEqual(got, want)) return;
  const show = (value) => {
    const text = inspect(value, { depth: 8, maxStringLength: 200, maxArrayLength: 60 });
    return text.length > 3000 ? text.slice(0, 3000) + "…" : text;
  };
  throw new Error(`${about}\n got: ${show(got)}\nwant: ${show(want)}`);
}

export function ok(value, about) {
  if (!value) throw new Error(about);
}

// rejected returns the error with which the promise is rejected.
export async function rejected(promise) {
  const surprise = new Error("not rejected");
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw Object.assign(surprise, { value });
}

export const range = (n) => Array.from({ length: n }, (_, i) => i);
