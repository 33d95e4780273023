import { check, collect, connected, equal, next, ok, pause, range, run, until } from "./harness.mjs";

const fixture = "life";

check("the server restarts: clients are back by themselves", { fixture }, async (t) => {
  const socket = await t.connect();
  await t.settle();
  const { id } = socket;
  const events = [];
  for (const name of ["reconnect_attempt", "reconnect_error", "reconnect"]) socket.io.on(name, (v) => events.push([name, v]));
  const ended = next(socket, "disconnect");
  await t.control("down");
  ok((await ended)[0].startsWith("transport"), "another reason");
  await until(() => events.some(([name]) => name === "reconnect_error"), "an attempt that fails");
  await t.control("up");
  await connected(socket);
  equal(events.at(-1)[0], "reconnect");
  equal([events[0], !!socket.recovered], [["reconnect_attempt", 1], false]);
  ok(socket.id !== id, "the same id again");
  equal(await socket.emitWithAck("number", 1), 1);
});

check("what was emitted meanwhile comes afterwards, in order, once", { fixture }, async (t) => {
  const socket = await t.connect();
  await t.settle();
  const ended = next(socket, "disconnect");
  await t.control("down");
  await ended;
  const acks = [];
  for (const n of range(600)) socket.emit("number", n, ...(n % 50 ? [] : [Buffer.alloc(n)]), (m) => acks.push(m));
  await t.control("up");
  await until(() => acks.length === 600, "acknowledgements");
  equal(acks, range(600));
  equal(await t.control("numbers"), range(600));
});

check("a handler is not called twice after coming back", { fixture }, async (t) => {
  const socket = await t.connect();
  for (const _ of range(3)) {
    const ended = next(socket, "disconnect");
    socket.io.engine.close();
    await ended;
    await connected(socket);
  }
  const before = collect(socket, "before");
  socket.emit("leave me", false);
  await next(socket, "disconnect");
  equal(before.length, 5);
});

check("several namespaces come back on one connection", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  await connected(root);
  const unknown = manager.socket("/unknown").connect();
  await next(unknown, "connect_error");
  const ended = next(root, "disconnect");
  await t.control("down");
  await ended;
  await t.control("up");
  await connected(root);
  equal(unknown.active, false);
  equal(await t.control("connections"), 1);
});

check("a crowd comes back", { fixture }, async (t) => {
  const all = await t.connectAll(25);
  await t.settle();
  const ended = all.map((s) => next(s, "disconnect"));
  await t.control("down");
  await Promise.all(ended);
  const back = all.map((s) => next(s, "connect"));
  for (const [i, s] of all.entries()) s.emit("number", i);
  await t.control("up");
  await Promise.all(back);
  await Promise.all(all.map((s) => s.emitWithAck("sync")));
  equal((await t.control("numbers")).toSorted((a, b) => a - b), range(25));
});

check("attempts end when they are limited", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnectionAttempts: 2 });
  const failed = next(socket.io, "reconnect_failed");
  const attempts = collect(socket.io, "reconnect_attempt");
  await t.control("down");
  await failed;
  equal(attempts, [[1], [2]]);
  await t.control("up");
  socket.connect(); // by its own will
  await connected(socket);
});

check("a client that was there before the server", { fixture }, async (t) => {
  await t.control("down");
  const socket = t.socket();
  const acks = range(300).map((n) => socket.emitWithAck("number", n));
  const [error] = await next(socket, "connect_error");
  ok(["xhr poll error", "websocket error"].includes(error.message), error.message);
  await t.control("up");
  equal(await Promise.all(acks), range(300));
  equal(await t.control("numbers"), range(300));
});

check("offline during an upgrade or not, nothing is sent twice", { fixture: "heartbeat" }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", {}, proxy.url);
  let n = 0;
  for (const ms of [0, 5, 20, 60, 110]) {
    await pause(ms);
    await proxy.sever(socket);
    for (const _ of range(20)) socket.emit("number", n++); // while it is offline
    await connected(socket);
    await socket.emitWithAck("sync");
  }
  equal(await t.control("numbers"), range(n));
});

await run();
