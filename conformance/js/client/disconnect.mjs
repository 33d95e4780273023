import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { check, collect, connected, equal, next, ok, pause, range, run, until, within } from "./harness.mjs";

const fixture = "life";

// story is what the server's lifecycle functions are told of one socket.
const story = (reason, ...events) => [
  "connect", ...events.map((e) => `event ${e}`), `disconnecting ${reason} room`, `disconnect ${reason} 0`,
];

check("the client leaves", { fixture }, async (t) => {
  const socket = await t.connect();
  const { id } = socket;
  const ended = next(socket, "disconnect");
  for (const n of range(20)) socket.emit("note", String(n)); // handled before the end
  socket.disconnect();
  equal((await ended)[0], "io client disconnect");
  equal(await t.control("told", id), story("client namespace disconnect", ...range(20)));
  equal([socket.id, socket.connected, socket.active], [undefined, false, false]);
  await until(async () => (await t.control("connections")) === 0, "the connection's end");
  equal(await t.control("rooms"), []);
});

check("the client's connection ends in order", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnection: false });
  const { id } = socket;
  await t.settle();
  socket.io.engine.close();
  equal(await t.control("told", id), story("transport close"));
});

check("the client's connection breaks", { fixture: "heartbeat" }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", { reconnection: false }, proxy.url);
  const { id } = socket;
  await t.settle();
  await socket.emitWithAck("sync"); // the server has changed over, too
  const reason = t.way === "polling" ? "transport error" : "transport close";
  equal((await proxy.sever(socket))[0], reason);
  const [last] = (await t.control("told", id)).slice(-1);
  // A polling client may still say that it gives up, or have had nothing on its way.
  const reasons = t.way === "polling" ? [reason, "transport close", "ping timeout"] : [reason];
  ok(reasons.some((r) => last === `disconnect ${r} 0`), last);
});

for (const all of [false, true]) {
  const about = all ? "and the connection" : "alone";
  check(`the server ends the socket, ${about}`, { fixture }, async (t) => {
    const socket = await t.connect();
    const { id } = socket;
    const attempts = collect(socket.io, "reconnect_attempt");
    const before = collect(socket, "before");
    const ended = next(socket, "disconnect");
    socket.emit("leave me", all);
    equal((await ended)[0], "io server disconnect");
    equal(before.map(([n]) => n), range(5), "what was emitted before comes before");
    equal(await t.control("told", id), story(all ? "forced server close" : "server namespace disconnect"));
    await pause(150); // three times its reconnection delay
    equal([attempts.length, socket.connected, socket.active], [0, false, false], "it must stay away");
    socket.connect(); // but may come back
    await connected(socket);
    ok(socket.id !== id, "the same id again");
  });
}

check("the server ends an idle client", { fixture }, async (t) => {
  const socket = await t.connect();
  await t.settle();
  for (const all of [false, true]) {
    const ended = next(socket, "disconnect");
    await t.control("kick", socket.id, all);
    equal((await ended)[0], "io server disconnect");
    socket.connect();
    await connected(socket);
  }
});

check("the server shuts down", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnection: false });
  const { id } = socket;
  await t.settle();
  const ended = next(socket, "disconnect");
  await t.control("down");
  const [reason] = await ended;
  ok(["transport close", "transport error"].includes(reason), reason);
  equal(socket.active, true); // not sent away: it may come back by itself
  equal(await t.control("told", id), story("server shutting down"));
});

check("a client that hangs", { fixture: "heartbeat" }, async (t) => {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const { parser, path, ...options } = t.options(); // a parser cannot be sent there: it speaks JSON
  const worker = new Worker(new URL("frozen.mjs", import.meta.url), { workerData: { url: t.url, options, word } });
  const said = [];
  worker.on("message", (message) => said.push(message));
  const saw = (key) => said.filter((m) => m[key]);
  await until(() => saw("connect").length === 1 && (t.way !== "upgrade" || saw("upgrade").length), "connect and upgrade");
  worker.postMessage("freeze");
  const id = said[0].connect;
  equal(await t.control("told", id), story("ping timeout"));
  Atomics.store(word, 0, 0);
  Atomics.notify(word, 0);
  await until(() => saw("connect").length === 2, "its coming back");
  ok(["ping timeout", "transport close", "transport error"].includes(saw("disconnect")[0].disconnect), JSON.stringify(said));
  ok(saw("connect")[1].connect !== id, "the same id again");
  worker.postMessage("leave");
  await within(10_000, once(worker, "exit"), "the worker does not end");
});

check("a network that hangs", { fixture: "heartbeat" }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", {}, proxy.url);
  const { id } = socket;
  await t.settle();
  const ended = next(socket, "disconnect");
  proxy.freeze();
  equal(await t.control("reason", id), "ping timeout");
  equal((await ended)[0], "ping timeout"); // the client noticed by itself
  proxy.thaw();
  await connected(socket);
});

check("a heartbeat keeps the connection", { fixture: "heartbeat" }, async (t) => {
  const socket = await t.connect();
  const pings = collect(socket.io, "ping");
  const ends = collect(socket, "disconnect");
  await until(() => pings.length >= 2, "pings");
  equal(ends, []);
});

check("a client that does not read is given up", { fixture: "slow" }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", {}, proxy.url);
  const { id } = socket;
  await t.settle();
  const flood = collect(socket, "flood");
  const ended = next(socket, "disconnect");
  proxy.freeze();
  equal(await t.control("flood", id), true);
  equal(await t.control("told", id), story("slow consumer"));
  proxy.thaw();
  const [reason] = await ended;
  ok(["transport close", "transport error"].includes(reason), reason);
  await connected(socket); // it comes back by itself
  ok(flood.length < 2000, `${flood.length} events`);
});

check("a packet for nobody ends the connection", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnection: false });
  const { id } = socket;
  await t.settle();
  socket.io._packet({ type: 2, nsp: "/never-joined", data: ["x"], options: {} });
  equal((await next(socket, "disconnect"))[0], "transport close");
  equal(await t.control("reason", id), "forced close");
});

check("nonsense ends the connection", { fixture }, async (t) => {
  const nonsense = [["abc"], ["2{}"], ["2[\"x\""], ["2[null]"], ["9"], ["0[]"], ["4{\"message\":\"x\"}"],
    [Buffer.from([1])], // bytes that no packet announced
    ["51-[]", "2[\"x\"]"], // text where bytes must come
  ];
  for (const messages of nonsense) {
    const about = String(messages);
    const socket = await t.connect("/", { reconnection: false });
    const { id } = socket;
    const ended = next(socket, "disconnect");
    for (const message of messages) socket.io.engine.send(message);
    equal((await ended)[0], "transport close", about);
    equal(await t.control("reason", id), "forced close", about);
  }
});

await run();
