// Clients of every kind in one room: socket.io-client as it is, with the MessagePack
// parser, that of Socket.IO v2, and a bare WebSocket. Whatever one of them sends, text or
// binary, reaches each of them.
import { createRequire } from "node:module";
import WebSocket from "ws";
import * as msgpack from "socket.io-msgpack-parser";
import { check, collect, equal, next, ok, range, rejected, run, until, within } from "./harness.mjs";

const require = createRequire(import.meta.url);
const old = require("socket.io-client-2");

const fixture = "mixed";
const bytes = (n) => Buffer.from(range(n).map((i) => i % 256));

// A kind makes a client with join, say (returns the acknowledgement), and heard.
const KINDS = {
  async json(t) {
    return emitter(await t.connect());
  },
  async msgpack(t) {
    return emitter(await t.connect("/", { path: "/msgpack", parser: msgpack }));
  },
  async v2(t) {
    const socket = old(t.url, t.options({ forceNew: true }));
    t.after(() => socket.disconnect());
    await next(socket, "connect");
    return emitter(socket);
  },
  async plain(t) {
    const client = new Plain(t.url.replace("http", "ws") + "/ws");
    t.after(() => client.close());
    await client.opened;
    return client;
  },
};

function emitter(socket) {
  const asked = (event, ...args) => within(10_000, new Promise((resolve) => socket.emit(event, ...args, resolve)), `${event} is not acknowledged`);
  return {
    socket,
    heard: collect(socket, "said"),
    join: (room) => asked("join", room),
    say: (...args) => asked("say", ...args),
    answers: (event, f) => socket.on(event, (...args) => args.pop()(f(...args))),
  };
}

// Plain is what one writes who has only a WebSocket.
class Plain {
  heard = [];
  #waiting = new Map();
  #answers = {};
  #id = 0;
  #partial;

  constructor(url, ...options) {
    this.ws = new WebSocket(url, ...options);
    this.opened = new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
      this.ws.once("unexpected-response", (_, response) => reject(Object.assign(new Error(`status ${response.statusCode}`), { response })));
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.ws.once("close", (code, reason) => resolve([code, reason.toString()])));
    this.ws.on("message", (data, binary) => this.#take(data, binary));
  }

  close() {
    this.ws.close();
  }

  #take(data, binary) {
    const p = binary ? this.#partial : { ...JSON.parse(data.toString()), parts: [] };
    if (binary) p.parts.push(data);
    this.#partial = p;
    if (p.parts.length < (p.attachments ?? 0)) return;
    const fill = (v) => {
      if (v?._placeholder) return p.parts[v.num];
      if (Array.isArray(v)) return v.map(fill);
      return v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x)])) : v;
    };
    const args = fill(p.args ?? ("data" in p ? [p.data] : []));
    if (p.event === undefined) {
      this.#waiting.get(p.id)(args[0]);
      this.#waiting.delete(p.id);
    } else if (p.id !== undefined) {
      this.#send({ id: p.id }, [this.#answers[p.event](...args)]);
    } else if (p.event === "said") {
      this.heard.push(args);
    }
  }

  #send(p, args) {
    const parts = [];
    const take = (v) => {
      if (Buffer.isBuffer(v)) return { _placeholder: true, num: parts.push(v) - 1 };
      if (Array.isArray(v)) return v.map(take);
      return v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, take(x)])) : v;
    };
    const taken = take(args);
    if (taken.length === 1) p.data = taken[0];
    else if (taken.length) p.args = taken;
    if (parts.length) p.attachments = parts.length;
    this.ws.send(JSON.stringify(p));
    for (const part of parts) this.ws.send(part);
  }

  emit(event, ...args) {
    this.#send({ event }, args);
  }

  ask(event, ...args) {
    const id = this.#id++;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#send({ event, id }, args);
    return within(10_000, answer, `${event} is not acknowledged`);
  }

  join(room) {
    return this.ask("join", room);
  }

  say(...args) {
    return this.ask("say", ...args);
  }

  answers(event, f) {
    this.#answers[event] = f;
  }
}

const SAYINGS = [
  ["text"],
  ["ü😀 \u2028 \"quoted\" \\", 1, -1.5, 2 ** 40, true, null, [], {}],
  [{ deep: [{ er: [1, [2, [3]]] }], "": 0, ü: "😀" }],
  [bytes(0)],
  [bytes(256)],
  [{ file: bytes(10), name: "a.bin", more: [bytes(3), "x", bytes(70_000)] }],
  [[1, 2], [3]],
  ["x".repeat(100_000)],
];

for (const [from, make] of Object.entries(KINDS)) {
  check(`${from} says, and everyone hears`, { fixture }, async (t) => {
    const all = await Promise.all(Object.values(KINDS).map((kind) => kind(t)));
    for (const client of all) await client.join("room");
    const one = await make(t);
    for (const saying of SAYINGS) equal(await one.say(...saying), saying.length);
    for (const client of all) {
      await until(() => client.heard.length === SAYINGS.length, "what was said");
      equal(client.heard, SAYINGS);
    }
    equal(one.heard, []); // not in the room
  });

  check(`${from} is asked by the server, each and all together`, { fixture }, async (t) => {
    const all = await Promise.all(Object.values(KINDS).map((kind) => kind(t)));
    for (const [i, client] of all.entries()) {
      client.answers("question", (q) => [i, q]);
      await client.join("asked");
    }
    const one = await make(t);
    one.answers("question", (q) => ({ me: q }));
    equal(await one.say({ ask: [bytes(5), "?"] }), 1);
    const answers = await t.control("ask", "asked", { q: [1, "ü"] });
    equal(answers.sort((a, b) => a[0] - b[0]), all.map((_, i) => [i, { q: [1, "ü"] }]));
  });

  check(`${from}: many in order`, { fixture }, async (t) => {
    const one = await make(t);
    await one.join("room");
    for (const n of range(300)) await (n % 50 ? one.say(n, ...(n % 3 ? [] : [bytes(n)])) : one.say(n));
    await until(() => one.heard.length === 300, "all");
    equal(one.heard.map(([n]) => n), range(300));
  });
}

check("many at once, to all kinds", { fixture }, async (t) => {
  const all = await Promise.all(Object.values(KINDS).map((kind) => kind(t)));
  for (const client of all) await client.join("room");
  await t.control("tell", "room", 2000);
  for (const client of all) {
    await until(() => client.heard.length === 2000, "all of them");
    equal(client.heard.map(([n]) => n), range(2000));
  }
});

// What the old protocol has of its own.

check("v2: namespaces, with what is shown in a query, and ids", { fixture, ways: ["polling", "websocket", "upgrade"] }, async (t) => {
  const socket = old(t.url + "/guarded?token=s%C3%BCss&x=1", t.options({ forceNew: true }));
  t.after(() => socket.disconnect());
  await next(socket, "connect");
  const shown = await new Promise((resolve) => socket.emit("shown", resolve));
  equal(shown, { auth: { token: "süss", x: "1" }, id: socket.id });
  ok(socket.id.startsWith("/guarded#"), socket.id);
});

check("v2: refusals", { fixture }, async (t) => {
  const refused = old(t.url + "/guarded", t.options({ forceNew: true }));
  t.after(() => refused.disconnect());
  const [error] = await next(refused, "error");
  equal([error.code, error.message], ["unauthorized", "Show a token"]);
  const unknown = old(t.url + "/unknown", t.options({ forceNew: true }));
  t.after(() => unknown.disconnect());
  equal(await next(unknown, "error"), ["Invalid namespace"]);
});

check("v2: put out, and the server goes and comes", { fixture }, async (t) => {
  const one = await KINDS.v2(t);
  await one.join("room");
  let ended = next(one.socket, "disconnect");
  await t.control("down");
  equal((await ended)[0].startsWith("transport"), true);
  const back = next(one.socket, "connect");
  await t.control("up");
  await back;
  await one.join("room");
  equal(await one.say("again"), 1);
  await until(() => one.heard.length === 1, "what was said");
  ended = next(one.socket, "disconnect");
  await t.control("kick", "room");
  equal((await ended)[0], "io server disconnect");
});

// What plain connections have of their own.

const plain = { fixture, ways: ["websocket"] };
const ws = (t, path) => t.url.replace("http", "ws") + path;

check("plain: a token in the header, a subprotocol, a cookie", plain, async (t) => {
  for (const options of [
    [{ headers: { authorization: "Bearer süss".normalize("NFC").replace("ü", "u") } }],
    [["kachi", "bearer.suss"]],
    [{ headers: { cookie: "other=1; session=suss" } }],
  ]) {
    const client = new Plain(ws(t, "/guarded/lobby"), ...options);
    await client.opened;
    equal(await client.ask("shown"), { auth: { token: "suss" }, room: "lobby" });
    equal(client.ws.protocol, Array.isArray(options[0]) ? "kachi" : "");
    client.close();
    await client.closed;
  }
});

check("plain: refused before the upgrade", plain, async (t) => {
  const status = async (path, ...options) => {
    const { response } = await rejected(new Plain(ws(t, path), ...options).opened);
    const body = Buffer.concat(await response.toArray()).toString();
    return [response.statusCode, JSON.parse(body).code];
  };
  equal(await status("/guarded/lobby"), [401, "unauthorized"]);
  equal(await status("/guarded/lobby", { headers: { authorization: "Bearer wrong" } }), [403, "forbidden"]);
  equal(await status("/guarded/lobby", { headers: { authorization: "Bearer broken" } }), [500, "internal"]);
  equal(await status("/nowhere"), [404, "not_found"]);
  equal(await t.control("connections"), 0);
});

check("plain: close codes", plain, async (t) => {
  const close = async (f) => {
    const client = await KINDS.plain(t);
    await client.join("room");
    await f(client);
    return (await within(10_000, client.closed, "no close"))[0];
  };
  equal(await close(() => t.control("kick", "room")), 4000);
  equal(await close(() => t.control("cut", "room")), 4001);
  equal(await close((c) => c.ws.send("hello")), 4400);
  equal(await close((c) => c.ws.send(Buffer.from("x"))), 4400);
  equal(await close((c) => c.ws.send(JSON.stringify({ event: "say", data: "x".repeat(1_100_000) }))), 1009);
  equal(await close(() => t.control("down")), 1001);
});

check("plain: errors and the unknown", plain, async (t) => {
  const client = await KINDS.plain(t);
  equal((await client.ask("fail")).code, "teapot");
  client.emit("nobody handles this", 1);
  equal(await client.ask("sync"), undefined);
});

await run();
