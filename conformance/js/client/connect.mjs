import { Fetch } from "engine.io-client";
import { check, collect, connected, EACH, equal, next, ok, pause, range, rejected, run, until } from "./harness.mjs";

check("the id is the same on both sides", { fixture: "plain" }, async (t) => {
  const socket = await t.connect();
  const me = await socket.emitWithAck("whoami");
  equal(me.id, socket.id);
  equal(me.rooms, [socket.id]);
  ok(/^[A-Za-z0-9_-]{20}$/.test(socket.id), `id ${socket.id}`);
  ok(socket.id !== socket.io.engine.id, "the connection's id must be another, which is secret");
  ok(!socket.recovered, "nothing to recover");
});

check("the transport is the one asked for", { fixture: "plain" }, async (t) => {
  const socket = t.socket();
  let first;
  socket.io.once("open", () => (first = socket.io.engine.transport.name));
  await connected(socket);
  equal(first, t.way === "websocket" ? "websocket" : "polling");
  await t.settle();
  const transport = t.way === "polling" ? "polling" : "websocket";
  equal(socket.io.engine.transport.name, transport);
  equal((await socket.emitWithAck("whoami")).transport, transport);
});

check("polling by fetch", { fixture: "plain", ways: ["polling"] }, async (t) => {
  const socket = await t.connect("/", { transports: [Fetch] });
  equal((await socket.emitWithAck("whoami")).id, socket.id);
});

check("auth: an object, a function, nothing", { fixture: "plain" }, async (t) => {
  const auth = { token: "é😀", nested: { list: [1, null, true] } };
  equal((await (await t.connect("/", { auth })).emitWithAck("whoami")).auth, auth);
  let calls = 0;
  const f = (give) => setTimeout(() => give({ call: ++calls }), 5);
  const socket = await t.connect("/", { auth: f });
  equal((await socket.emitWithAck("whoami")).auth, { call: 1 });
  socket.disconnect().connect();
  await connected(socket);
  equal((await socket.emitWithAck("whoami")).auth, { call: 2 });
  equal((await (await t.connect()).emitWithAck("whoami")).auth, {});
});

check("the handshake shows query, headers and address", { fixture: "plain" }, async (t) => {
  const socket = await t.connect("/", {
    query: { plain: "1", "sp ace&": "ä=😀" },
    extraHeaders: { "X-Custom": "value", Cookie: "a=1; b=2" },
  });
  const me = await socket.emitWithAck("whoami");
  equal(me.query.plain, ["1"]);
  equal(me.query["sp ace&"], ["ä=😀"]);
  equal(me.query.EIO, ["4"]);
  equal(me.query.transport, [t.way === "websocket" ? "websocket" : "polling"]);
  ok(me.url.startsWith("/socket.io/?"), me.url);
  equal(me.headers["X-Custom"], ["value"]);
  equal(me.headers.Cookie, ["a=1; b=2"]);
  equal(me.headers.Host, [new URL(t.url).host]);
  equal(me.address, "127.0.0.1");
  equal([me.secure, me.xdomain], [false, false]);
  ok(me.age >= 0 && me.age < 60, `age ${me.age}`);
});

check("a middleware's error has message and data", { fixture: "guarded" }, async (t) => {
  const socket = t.socket("/", { auth: { token: "coded" } });
  const [error] = await next(socket, "connect_error");
  equal(error.message, "Not you");
  equal(error.data, { status: "error", code: "forbidden", message: "Not you", details: { retry: false } });
  equal([socket.connected, socket.active, socket.id], [false, false, undefined]);
  equal(await t.control("count"), 0);
});

check("what is nobody's business stays inside", { fixture: "guarded" }, async (t) => {
  for (const token of ["unknown", "panic"]) {
    const [error] = await next(t.socket("/", { auth: { token } }), "connect_error");
    equal(error.message, "Internal error", token);
    ok(!JSON.stringify(error.data).includes("hunter2"), JSON.stringify(error.data));
  }
});

check("a refused client does not try again by itself, but may", { fixture: "guarded" }, async (t) => {
  const manager = t.manager();
  const attempts = collect(manager, "reconnect_attempt");
  const other = manager.socket("/", { auth: { token: "good" } }).connect(); // keeps the connection
  await connected(other);
  const socket = manager.socket("/guarded", { auth: { token: "coded" } }).connect();
  const errors = collect(socket, "connect_error");
  await until(() => errors.length === 1);
  await other.emitWithAck("sync");
  await pause(100); // twice its reconnection delay
  equal([errors.length, attempts.length, socket.connected], [1, 0, false]);
  socket.auth = { token: "good" };
  const data = next(socket, "data");
  socket.connect();
  equal(await data, [["first", "second"], true]);
  equal(await t.control("connections"), 1);
});

check("several refusals in a row on one connection", { fixture: "guarded" }, async (t) => {
  const manager = t.manager();
  const other = manager.socket("/guarded", { auth: { token: "good" } }).connect();
  await connected(other);
  const socket = manager.socket("/", { auth: { token: "coded" } });
  for (const _ of range(20)) {
    socket.connect();
    const [error] = await next(socket, "connect_error");
    equal(error.message, "Not you");
  }
  await other.emitWithAck("sync");
  equal(await t.control("connections"), 1);
});

check("middlewares run in order, before anything else", { fixture: "guarded" }, async (t) => {
  const socket = t.socket("/", { auth: { token: "slow" } });
  const order = [];
  socket.on("connect", () => order.push("connect"));
  socket.on("data", (data) => order.push(data));
  const early = socket.emitWithAck("early"); // the client keeps it until it is connected
  await t.control("asked");
  equal(order, []);
  equal(await t.control("count"), 0);
  await t.control("release");
  equal(await early, "handled");
  equal(order, ["connect", ["first", "second"]]);
});

check("a client that leaves while a middleware runs is forgotten", { fixture: "guarded" }, async (t) => {
  const socket = t.socket("/", { auth: { token: "slow" } });
  await t.control("asked");
  socket.disconnect();
  await until(async () => (await t.control("connections")) === 0, "the connection's end");
  await t.control("release");
  equal(await t.control("count"), 0);
});

check("a handshake that is refused", { fixture: "refusing" }, async (t) => {
  const socket = t.socket("/", { query: { ticket: "forged" }, reconnection: false });
  let answer;
  socket.once("connect_error", ({ context }) => (answer = context?.responseText)); // the client clears it
  const [error] = await next(socket, "connect_error");
  if (t.way === "websocket") {
    equal(error.message, "websocket error");
  } else {
    equal([error.message, error.description], ["xhr poll error", 403]);
    equal(JSON.parse(answer), { code: 4, message: "no valid ticket" });
  }
  ok(socket.active === false || !socket.connected, "connected all the same");
  await t.connect("/", { query: { ticket: "valid" } });
});

check("a connection that joins no namespace is closed", { fixture: "impatient" }, async (t) => {
  const manager = t.manager({ reconnection: false });
  manager.open();
  await next(manager, "open");
  const [reason] = await next(manager, "close");
  equal(reason, "transport close");
  await until(async () => (await t.control("connections")) === 0, "the connection's end");
});

check("a connection that has joined one stays", { fixture: "impatient" }, async (t) => {
  const socket = await t.connect("/other");
  const ends = collect(socket, "disconnect");
  await pause(1400); // twice the time-out
  equal(ends, []);
  equal(await socket.emitWithAck("where"), "/other");
});

check("a client whose only namespace was refused may take another", { fixture: "impatient" }, async (t) => {
  const manager = t.manager();
  const [error] = await next(manager.socket("/unknown").connect(), "connect_error");
  equal(error.message, "Invalid namespace");
  const other = manager.socket("/other").connect(); // the client closed the connection, and opens a new one
  await connected(other);
  equal(await other.emitWithAck("where"), "/other");
});

check("the server may speak and ask before the first event", { fixture: "greeting" }, async (t) => {
  const socket = t.socket();
  const heard = [];
  socket.onAny((event, ...args) => {
    if (event === "name?") args.pop();
    heard.push([event, ...args]);
  });
  socket.on("name?", (answer) => setTimeout(() => answer("Kim"), 20));
  for (const n of range(3)) socket.emit("early", n);
  await until(() => heard.length >= 6, "all events");
  equal(heard, [
    ["welcome", 1], ["name?"], ["welcome", "hello Kim", ["greeted"]],
    ["handled", 0], ["handled", 1], ["handled", 2],
  ]);
});

check("a greeting that fails ends the socket, and says why", { fixture: "greeting" }, async (t) => {
  const socket = t.socket("/", { auth: { fail: true } });
  const exceptions = collect(socket, "exception");
  const [reason] = await next(socket, "disconnect");
  equal(reason, "io server disconnect");
  equal(exceptions, [[{ status: "error", code: "full", message: "No place left", cause: { pattern: "connect" } }]]);
  equal(socket.active, false);
});

check("many clients at once", { fixture: "plain" }, async (t) => {
  const sockets = await t.connectAll(30);
  const ids = await Promise.all(sockets.map(async (s) => (await s.emitWithAck("whoami")).id));
  equal(ids, sockets.map((s) => s.id));
  equal(new Set(ids).size, 30);
  equal(await t.control("connections"), 30);
});

await run();
