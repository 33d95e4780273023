import { check, collect, connected, equal, next, ok, range, run, until } from "./harness.mjs";

const fixture = "rooms";

const spaces = (t, n) => until(async () => (await t.control("spaces")) === n, `${n} namespaces`);

check("one for each name", { fixture }, async (t) => {
  const manager = t.manager();
  const names = ["/room-1", "/room-深い", "/room-a b"];
  const sockets = names.map((name) => manager.socket(name).connect());
  await Promise.all(sockets.map(connected));
  equal(
    await Promise.all(sockets.map((s) => new Promise((done) => s.emit("where", (...args) => done(args))))),
    names.map((name) => [name, name.slice("/room-".length)]),
  );
  await spaces(t, 3);
  const said = sockets.map((s) => collect(s, "said"));
  const told = sockets.map((s) => collect(s, "told"));
  sockets[1].emit("say");
  await until(() => said[1].length > 0, "what was said");
  await t.control("tell");
  await until(() => told.every((events) => events.length > 0), "what all are told");
  equal(said, [[], [["深い"]], []]);
  equal(told.map((events) => events.map(([bytes]) => [...bytes])), range(3).map(() => [[1, 2, 3]]));
  const more = manager.socket("/room-4").connect();
  const [error] = await next(more, "connect_error");
  equal([error.message, error.data.code], ["Too many namespaces at once", "too_many_namespaces"]);
  sockets[0].disconnect();
  await spaces(t, 2);
  more.connect();
  await connected(more);
  for (const s of [...sockets, more]) s.disconnect();
  await spaces(t, 0);
});

check("names that nothing matches", { fixture }, async (t) => {
  for (const name of ["/room-", "/room", "/room-1/x", "/room-{id}", "/{tenants}"]) {
    const [error] = await next(t.socket(name), "connect_error");
    equal([error.message, error.data], ["Invalid namespace", undefined], name);
  }
  equal(await t.control("spaces"), 0);
});

check("a function decides", { fixture }, async (t) => {
  const mine = await t.connect("/tenant/acme", { auth: { token: "acme" } });
  equal(await mine.emitWithAck("where"), { org: "acme" });
  const [error] = await next(t.socket("/tenant/acme", { auth: { token: "other" } }), "connect_error");
  equal([error.message, error.data.code], ["Not yours", "unauthorized"]);
  equal(await t.control("spaces"), 1);
});

check("leave and rejoin without waiting", { fixture }, async (t) => {
  const manager = t.manager();
  const room = manager.socket("/room-1").connect();
  const other = manager.socket("/room-2").connect();
  await Promise.all([room, other].map(connected));
  for (const _ of range(25)) {
    room.disconnect().connect(); // the namespace ends, and another one begins
    await connected(room);
    equal(await room.emitWithAck("where"), "/room-1");
  }
  equal(await t.control("connections"), 1);
});

check("coming back to one that nobody else is in", { fixture: "returning" }, async (t) => {
  const socket = await t.connect("/room-1");
  const told = collect(socket, "told");
  await t.control("tell");
  await until(() => told.length === 1, "the first");
  const { id } = socket;
  const ended = next(socket, "disconnect");
  socket.io.engine.close();
  await ended;
  await t.control("tell");
  await connected(socket);
  await until(() => told.length === 2, "the one that was missed");
  ok(socket.recovered, "recovered");
  equal([socket.id, await t.control("spaces")], [id, 1]);
});

await run();
