import { check, collect, connected, equal, next, ok, pause, range, run, until } from "./harness.mjs";

const fixture = "recovery";
const quick = { reconnectionDelay: 5, reconnectionDelayMax: 20, randomizationFactor: 0 };

// numbers collects the events of the fixture's stream: [n] or [n, Buffer].
function numbers(socket) {
  const all = [];
  socket.on("number", (n, data) => {
    if (n % 7 === 3) equal([...data], [n % 256, 1, 2]);
    all.push(n);
  });
  return all;
}

check("lost, and back where it was", { fixture }, async (t) => {
  const socket = await t.connect("/", quick);
  await t.settle();
  const { id } = socket;
  const all = numbers(socket);
  equal(socket.recovered, false);
  await t.control("stream", id, 0, 5, 0);
  await until(() => all.length === 5);
  const ended = next(socket, "disconnect");
  socket.io.engine.transport.ws ? socket.io.engine.transport.ws.terminate() : socket.io.engine.close();
  await ended;
  await t.control("stream", id, 5, 5, 0);
  await connected(socket);
  equal([socket.recovered, socket.id], [true, id]);
  await t.control("stream", id, 10, 5, 0);
  await until(() => all.length === 15);
  equal(all, range(15));
});

for (const part of range(4)) {
  check(`lost again and again, at any stage (${part})`, { fixture }, async (t) => {
    const proxy = await t.proxy();
    const socket = await t.connect("/", quick, proxy.url);
    const { id } = socket;
    const all = numbers(socket);
    const anew = [];
    socket.on("connect", () => socket.recovered && socket.id === id || anew.push(socket.id));
    const total = 600;
    const streaming = t.control("stream", id, 0, total, 3);
    for (const n of range(10)) {
      await pause((n * 37 + part * 11) % 120);
      await proxy.sever(socket);
      await connected(socket);
    }
    await streaming;
    await until(() => all.length >= total, "all numbers").catch(() => {});
    equal(all, range(total));
    equal(anew, []);
  });
}

check("closed by the server", { fixture }, async (t) => {
  const socket = await t.connect("/", quick);
  const { id } = socket;
  const all = numbers(socket);
  for (const n of range(10)) {
    const ended = next(socket, "disconnect");
    await t.control("stream", id, 10 * n, 5, 0);
    await t.control("close", id);
    await t.control("stream", id, 10 * n + 5, 5, 0);
    await ended;
    await connected(socket);
    equal([socket.recovered, socket.id], [true, id]);
  }
  await until(() => all.length >= 100, "all numbers");
  equal(all, range(100));
});

check("the client's process starts anew with the position that it kept", { fixture }, async (t) => {
  const socket = await t.connect("/", quick);
  const { id } = socket;
  const all = numbers(socket);
  await t.control("stream", id, 0, 10, 0);
  await until(() => all.length === 10);
  const kept = [socket._pid, socket._lastOffset];
  ok(kept.every((s) => typeof s === "string"), "nothing to keep");
  // A process that is killed says no good-bye, and the server does not know yet.
  const again = t.socket("/", quick);
  [again._pid, again._lastOffset] = kept;
  const rest = numbers(again);
  socket.io.reconnection(false);
  await connected(again);
  equal([again.recovered, again.id], [true, id]);
  await t.control("stream", id, 10, 10, 0);
  await until(() => rest.length === 10);
  equal([all, rest], [range(10), range(20).slice(10)]);
});

check("who comes too late begins anew", { fixture: "brief" }, async (t) => {
  const socket = await t.connect("/", { ...quick, reconnectionDelay: 400, reconnectionDelayMax: 400 });
  const { id } = socket;
  const ended = next(socket, "disconnect");
  socket.io.engine.close();
  await ended;
  await connected(socket);
  equal([socket.recovered, socket.id === id], [false, false]);
});

check("whom the server disconnects begins anew", { fixture }, async (t) => {
  const socket = await t.connect("/", quick);
  const { id } = socket;
  const ended = next(socket, "disconnect");
  await t.control("kick", id);
  equal((await ended)[0], "io server disconnect");
  socket.connect();
  await connected(socket);
  equal([socket.recovered, socket.id === id], [false, false]);
});

check("several namespaces are each recovered", { fixture }, async (t) => {
  const manager = t.manager(quick);
  const sockets = ["/", "/other"].map((name) => manager.socket(name).connect());
  for (const s of sockets) await connected(s);
  const ids = sockets.map((s) => s.id);
  const all = sockets.map(numbers);
  const ended = sockets.map((s) => next(s, "disconnect"));
  manager.engine.close();
  await Promise.all(ended);
  for (const id of ids) await t.control("stream", id, 0, 10, 0);
  for (const s of sockets) await connected(s);
  equal(sockets.map((s) => [s.recovered, s.id]), ids.map((id) => [true, id]));
  await until(() => all.every((a) => a.length === 10), "all numbers");
  equal(all, [range(10), range(10)]);
});

await run();
