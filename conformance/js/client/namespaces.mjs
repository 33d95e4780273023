import { check, collect, connected, equal, next, ok, range, run, until } from "./harness.mjs";

const fixture = "spaces";

check("several on one connection", { fixture }, async (t) => {
  const manager = t.manager();
  const names = ["/", "/admin", "/深い/path", "/a b", ...range(60).map((i) => "/many-" + String.fromCharCode(65 + i))];
  const sockets = names.map((name) => manager.socket(name).connect());
  await Promise.all(sockets.map(connected));
  equal(await Promise.all(sockets.map((s) => s.emitWithAck("where"))), names);
  equal(await t.control("connections"), 1);
  equal(new Set(sockets.map((s) => s.id)).size, names.length);
});

check("events stay in their namespace", { fixture }, async (t) => {
  const manager = t.manager();
  const [root, admin] = ["/", "/admin"].map((name) => manager.socket(name).connect());
  await Promise.all([root, admin].map(connected));
  const heard = { root: collect(root, "shouted"), admin: collect(admin, "shouted") };
  admin.emit("shout");
  await admin.emitWithAck("sync");
  await root.emitWithAck("sync");
  equal(heard, { root: [], admin: [["/admin"]] });
});

check("an unknown one is refused, the others go on", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  const unknown = manager.socket("/unknown").connect();
  const [error] = await next(unknown, "connect_error");
  equal([error.message, error.data, unknown.active], ["Invalid namespace", undefined, false]);
  equal(await root.emitWithAck("where"), "/");
  equal(await t.control("connections"), 1);
});

check("names are taken as they are", { fixture }, async (t) => {
  for (const name of ["/Admin", "/admin/", "/adm"]) {
    const [error] = await next(t.socket(name), "connect_error");
    equal(error.message, "Invalid namespace", name);
  }
});

check("leave and rejoin", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  const admin = manager.socket("/admin").connect();
  await Promise.all([root, admin].map(connected));
  const ids = new Set();
  for (const _ of range(10)) {
    const id = admin.id;
    ids.add(id);
    const ended = next(admin, "disconnect");
    admin.disconnect();
    equal((await ended)[0], "io client disconnect");
    equal(await t.control("reason", id), "client namespace disconnect");
    equal(await root.emitWithAck("where"), "/");
    admin.connect();
    await connected(admin);
    equal(await admin.emitWithAck("where"), "/admin");
  }
  equal(ids.size, 10, "each time a new id");
  equal(await t.control("connections"), 1);
});

check("leave and rejoin without waiting", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  const admin = manager.socket("/admin").connect();
  await Promise.all([root, admin].map(connected));
  for (const _ of range(25)) {
    admin.disconnect().connect(); // both on their way at once
    await connected(admin);
  }
  equal(await admin.emitWithAck("where"), "/admin");
  equal(await root.emitWithAck("where"), "/");
  equal(await t.control("connections"), 1);
});

// The client asks again without having said that it leaves, which breaks the protocol:
// the connection is closed, and it comes back by itself.
check("leave and rejoin before being answered", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  const admin = manager.socket("/admin").connect();
  await Promise.all([root, admin].map(connected));
  for (const _ of range(10)) admin.disconnect().connect();
  const where = (s) => s.timeout(2000).emitWithAck("where").catch((error) => error.message);
  await until(async () => (await where(admin)) === "/admin" && (await where(root)) === "/", "their coming back");
});

check("the server ends one, the others stay", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  const admin = manager.socket("/admin").connect();
  await Promise.all([root, admin].map(connected));
  const id = admin.id;
  const ended = next(admin, "disconnect");
  admin.emit("leave", false);
  for (const _ of range(20)) admin.emit("sync"); // on its way when the server ends it
  equal((await ended)[0], "io server disconnect");
  equal(await t.control("reason", id), "server namespace disconnect");
  equal([admin.connected, admin.active], [false, false]);
  equal(await root.emitWithAck("where"), "/");
  admin.connect(); // by its own will it may
  await connected(admin);
  equal(await admin.emitWithAck("where"), "/admin");
  equal(await t.control("connections"), 1);
});

check("the server ends all of them with the connection", { fixture }, async (t) => {
  const manager = t.manager();
  const sockets = ["/", "/admin", "/a b"].map((name) => manager.socket(name).connect());
  await Promise.all(sockets.map(connected));
  const ids = sockets.map((s) => s.id);
  const ends = sockets.map((s) => collect(s, "disconnect"));
  sockets[1].emit("leave", true);
  await until(() => ends.every((e) => e.length > 0), "all disconnected");
  equal(ends.map((e) => e[0][0]), ["io server disconnect", "io server disconnect", "io server disconnect"]);
  for (const id of ids) equal(await t.control("reason", id), "forced server close");
  await until(async () => (await t.control("connections")) === 0, "the connection's end");
  ok(sockets.every((s) => !s.active), "nobody may come back by itself");
});

check("one by one until nothing is left, and again", { fixture }, async (t) => {
  const socket = await t.connect("/admin");
  for (const _ of range(5)) {
    socket.disconnect(); // the last one: the client closes the connection, too
    await until(async () => (await t.control("connections")) === 0, "the connection's end");
    socket.connect();
    await connected(socket);
  }
  equal(await socket.emitWithAck("where"), "/admin");
});

check("a namespace is joined while another is in use", { fixture }, async (t) => {
  const manager = t.manager();
  const root = manager.socket("/").connect();
  await connected(root);
  const [answers, admin] = await Promise.all([
    Promise.all(range(50).map(() => root.emitWithAck("where"))),
    (async () => {
      const admin = manager.socket("/admin").connect();
      await connected(admin);
      return admin;
    })(),
  ]);
  equal(answers, range(50).map(() => "/"));
  equal(await admin.emitWithAck("where"), "/admin");
});

await run();
