import { check, collect, connected, equal, next, ok, pause, range, run, until } from "./harness.mjs";

// flow lets numbers run both ways until the transport has changed and for a while after,
// and checks that each arrived once and in order.
async function flow(t, socket = t.socket(), way = t.way) {
  const down = [];
  const strange = [];
  socket.on("down", (n, bytes) => {
    down.push(n);
    if ((n % 7 === 3) !== Buffer.isBuffer(bytes) || (bytes && (bytes[0] | bytes[1] << 8) !== (n & 0xffff))) strange.push(n);
  });
  await connected(socket);
  const answers = [];
  const upgraded = () => way !== "upgrade" || socket.io.engine.transport.name === "websocket";
  let sent = 0;
  let after = 0;
  while (after < 60 || sent < 200) {
    const n = sent++;
    const bytes = n % 5 === 2 ? [Buffer.from([n])] : [];
    socket.emit("up", n, ...bytes, (m) => answers.push(m));
    if (n % 4 === 0) await pause(0);
    if (n % 150 === 149) await socket.emitWithAck("sync"); // within the mailbox's bound
    if (upgraded()) after++;
    if (sent > 20_000) throw new Error("no upgrade");
  }
  const last = next(socket, "last");
  socket.emit("stop");
  const [count] = await last;
  await until(() => answers.length >= sent, "all answers");
  equal(answers, range(sent), "from the client");
  equal(down, range(count), "from the server");
  equal(strange, [], "attachments");
  ok(count > 20, `${count} from the server`);
}

check("traffic both ways meanwhile", { fixture: "traffic" }, async (t) => {
  await flow(t);
});

check("many at once", { fixture: "traffic" }, async (t) => {
  await Promise.all(range(8).map(() => flow(t)));
});

check("with pings all the time", { fixture: "pinging" }, async (t) => {
  const socket = t.socket();
  const pings = collect(socket.io, "ping");
  await flow(t, socket);
  const before = pings.length;
  await until(() => pings.length > before + 3, "pings after the upgrade");
  ok(socket.connected, "disconnected");
});

check("what was emitted before the connection, and in its first moments", { fixture: "traffic" }, async (t) => {
  const socket = t.socket();
  for (const n of range(100)) socket.emit("number", n);
  await connected(socket);
  for (const n of range(100)) {
    socket.emit("number", 100 + n);
    await pause(1);
  }
  await socket.emitWithAck("sync");
  equal(await t.control("received"), range(200));
});

check("a client that leaves in the middle of it", { fixture: "traffic" }, async (t) => {
  for (const ms of range(12)) {
    const socket = await t.connect();
    const id = socket.id;
    await pause(3 * ms);
    socket.disconnect();
    ok(["client namespace disconnect", "transport close"].includes(await t.control("reason", id)), "another reason");
  }
  await until(async () => (await t.control("connections")) === 0, "the connections' end");
});

check("a connection that goes in the middle of it is replaced", { fixture: "watchful" }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", {}, proxy.url);
  for (const ms of range(6)) {
    const id = socket.id;
    await pause(8 * ms);
    await proxy.sever(socket);
    // Where nothing was on its way, only the heartbeat tells the server.
    ok(["transport close", "transport error", "ping timeout"].includes(await t.control("reason", id)), "another reason");
    await connected(socket);
  }
  equal(await socket.emitWithAck("up", 7), 7);
});

check("not where the server forbids it", { fixture: "polling", ways: ["upgrade"] }, async (t) => {
  const socket = t.socket();
  await flow(t, socket, "polling");
  equal(socket.io.engine._upgrades, []);
  equal(socket.io.engine.transport.name, "polling");
});

check("a transport that is switched off is refused", { fixture: "blocked", ways: ["websocket"] }, async (t) => {
  const [error] = await next(t.socket("/", { reconnection: false }), "connect_error");
  equal(error.message, "websocket error");
  await t.connect("/", { transports: ["polling"] });
});

check("a client that forgot nothing starts with WebSocket", { fixture: "traffic", ways: ["upgrade"] }, async (t) => {
  const options = { transports: ["websocket", "polling"], tryAllTransports: true };
  const socket = await t.connect("/", options);
  equal(socket.io.engine.transport.name, "websocket");
});

check("a client that cannot do WebSocket falls back", { fixture: "blocked", ways: ["upgrade"] }, async (t) => {
  const socket = await t.connect("/", { transports: ["websocket", "polling"], tryAllTransports: true });
  equal(socket.io.engine.transport.name, "polling");
  equal(await socket.emitWithAck("up", 1), 1);
});

await run();
