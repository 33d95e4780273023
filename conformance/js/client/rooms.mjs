import { check, collect, equal, next, ok, range, run, until } from "./harness.mjs";

const fixture = "rooms";

// crowd connects n clients that note what they are told.
async function crowd(t, n, ...rooms) {
  const sockets = await t.connectAll(n);
  for (const [i, socket] of sockets.entries()) {
    socket.told = collect(socket, "told");
    if (rooms[i]) await socket.emitWithAck("join", rooms[i]);
  }
  return sockets;
}

// told waits until everything that was emitted so far has arrived and returns it.
async function told(sockets) {
  await Promise.all(sockets.map((s) => s.emitWithAck("sync")));
  return sockets.map((s) => s.told.splice(0).map((args) => (args.length === 1 ? args[0] : args)));
}

check("to everybody", { fixture }, async (t) => {
  const all = await crowd(t, 3);
  await t.control("emit", {}, { hello: "all" });
  equal(await told(all), [[{ hello: "all" }], [{ hello: "all" }], [{ hello: "all" }]]);
});

check("to one room, several, none that exists", { fixture }, async (t) => {
  const all = await crowd(t, 4, ["a"], ["a", "b"], ["b"], []);
  await t.control("emit", { To: ["a"] }, 1);
  await t.control("emit", { To: ["a", "b"] }, 2); // once each, also in both
  await t.control("emit", { To: ["nobody"] }, 3);
  await t.control("emit", { To: ["nobody", "b"] }, 4);
  equal(await told(all), [[1, 2], [1, 2, 4], [2, 4], []]);
});

check("to a socket by its id", { fixture }, async (t) => {
  const all = await crowd(t, 3, ["a"], ["a"]);
  await t.control("emit", { To: [all[1].id] }, "you");
  await t.control("emit", { To: [all[1].id, "a"] }, "both");
  equal(await told(all), [["both"], ["you", "both"], []]);
});

check("except rooms and sockets", { fixture }, async (t) => {
  const all = await crowd(t, 4, ["a"], ["a", "b"], ["b"], []);
  await t.control("emit", { Except: ["a"] }, 1);
  await t.control("emit", { To: ["a"], Except: ["b"] }, 2);
  await t.control("emit", { Except: [all[0].id, all[3].id] }, 3);
  await t.control("emit", { To: ["a", "b"], Except: [all[1].id, "nobody"] }, 4);
  await t.control("emit", { To: ["a"], Except: ["a"] }, 5);
  equal(await told(all), [[2, 4], [3], [1, 3, 4], [1]]);
});

check("a socket's broadcast leaves itself out", { fixture }, async (t) => {
  const all = await crowd(t, 4, ["a"], ["a"], ["a", "b"], []);
  await all[0].emitWithAck("tell", [], [], "all others");
  await all[0].emitWithAck("tell", ["a"], [], "others in a");
  await all[3].emitWithAck("tell", ["a"], ["b"], "a without b");
  await all[0].emitWithAck("tell", [all[0].id], [], "nobody");
  equal(await told(all), [
    ["a without b"],
    ["all others", "others in a", "a without b"],
    ["all others", "others in a"],
    ["all others"],
  ]);
});

check("join and leave", { fixture }, async (t) => {
  const all = await crowd(t, 2);
  equal(await all[0].emitWithAck("join", ["a", "b", "a"]), ["a", "b"]);
  equal(await all[0].emitWithAck("leave", ["a", "never"]), ["b"]);
  await t.control("emit", { To: ["a"] }, 1);
  await t.control("emit", { To: ["b"] }, 2);
  equal(await told(all), [[2], []]);
  await all[0].emitWithAck("leave", ["b"]);
  equal(await t.control("rooms"), []);
});

check("awkward names", { fixture }, async (t) => {
  const names = ["", " ", "a/b#c", "日本語 😀", "x".repeat(3000), "__proto__", "1"];
  const [socket] = await crowd(t, 1);
  equal(await socket.emitWithAck("join", names), names);
  for (const name of names) await t.control("emit", { To: [name] }, name);
  equal(await told([socket]), [names]);
});

check("a room ends with its last member", { fixture }, async (t) => {
  const all = await crowd(t, 2, ["a", "b"], ["b"]);
  equal(await t.control("rooms"), ["a", "b"]);
  const { id } = all[0];
  all[0].disconnect();
  await t.control("reason", id);
  equal(await t.control("rooms"), ["b"]);
  await t.control("emit", { To: ["a", "b", id] }, 1);
  equal(await told(all.slice(1)), [[1]]);
});

check("many sockets at once: join, leave, count, disconnect", { fixture }, async (t) => {
  const all = await crowd(t, 4, ["a"], ["a"], ["b"], []);
  await t.control("join", { To: ["a"] }, ["c", "d"]);
  await t.control("leave", { To: [all[0].id] }, ["c"]);
  equal(await t.control("fetch", {}), {
    [all[0].id]: ["a", "d"], [all[1].id]: ["a", "c", "d"], [all[2].id]: ["b"], [all[3].id]: [],
  });
  equal(Object.keys(await t.control("fetch", { To: ["c"] })), [all[1].id]);
  const ends = all.map((s) => collect(s, "disconnect"));
  await t.control("disconnect", { To: ["a"] }, false);
  await until(() => ends[0].length && ends[1].length, "both disconnected");
  await told(all.slice(2));
  equal(ends.map((e) => e.map(([reason]) => reason)), [["io server disconnect"], ["io server disconnect"], [], []]);
  equal(Object.keys(await t.control("fetch", {})).sort(), [all[2].id, all[3].id].sort());
});

check("binary to many", { fixture }, async (t) => {
  const all = await crowd(t, 3, ["a"], ["a"]);
  await t.control("binary", { To: ["a"] });
  const want = [Buffer.from([1, 2, 3]), { deep: [Buffer.from([4]), "x"] }];
  equal(await told(all), [[want], [want], []]);
});

check("volatile, without compression, local", { fixture }, async (t) => {
  const all = await crowd(t, 2);
  await t.control("flags", {});
  equal(await told(all), range(2).map(() => ["volatile", "plain", "local"]));
});

check("something big to all", { fixture }, async (t) => {
  const all = await crowd(t, 4);
  await t.control("blob", 800_000);
  const got = await told(all);
  equal(got.map(([b]) => [b.length, b[0], b[799_999]]), range(4).map(() => [800_000, 7, 7]));
});

check("all members see one order", { fixture }, async (t) => {
  const all = await crowd(t, 4, ["a"], ["a"], ["a", "b"], ["a", "b"]);
  await t.control("burst", [{ To: ["a"] }, { To: ["a", "b"] }, {}, { To: ["b", "a"] }], 100);
  const got = await told(all);
  equal(got[0].length, 400);
  for (const other of got.slice(1)) equal(other, got[0], "another order");
  for (const emitter of range(4)) {
    equal(got[0].filter(([i]) => i === emitter).map(([, k]) => k), range(100), "an emitter's own order");
  }
});

check("all transports in one room", { fixture, ways: ["upgrade"] }, async (t) => {
  const all = await Promise.all([
    t.connect("/", { transports: ["polling"] }), t.connect("/", { transports: ["websocket"] }),
    t.connect("/", { transports: ["websocket"], perMessageDeflate: false }), t.connect(),
  ]);
  for (const socket of all) {
    socket.told = collect(socket, "told");
    await socket.emitWithAck("join", ["a"]);
  }
  equal((await t.control("transports"))[all[0].id], "polling");
  equal((await t.control("transports"))[all[1].id], "websocket");
  await t.control("burst", [{ To: ["a"] }, {}], 100);
  const got = await told(all);
  equal(got[0].length, 200);
  for (const other of got.slice(1)) equal(other, got[0], "another order");
});

check("everybody is asked, and answers", { fixture }, async (t) => {
  const all = await crowd(t, 3, ["a"], ["a"]);
  all.forEach((s, i) => s.on("question", (q, answer) => answer(q + i)));
  equal(await t.control("ask", { To: ["a"] }, 5000), {
    Expected: 2, Missing: [], MissingCount: 0, Error: "", Values: { [all[0].id]: "q0", [all[1].id]: "q1" },
  });
  equal((await t.control("ask", { To: ["nobody"] }, 5000)), { Expected: 0, Missing: [], MissingCount: 0, Error: "", Values: {} });
});

check("who did not answer is told", { fixture }, async (t) => {
  const all = await crowd(t, 3);
  all[0].on("question", (_, answer) => answer(Buffer.from([1]).toString("hex")));
  all[1].on("question", (_, answer) => answer());
  equal(await t.control("ask", {}, 2000), {
    Expected: 3, Missing: [all[2].id], MissingCount: 1, Error: "timeout", Values: { [all[0].id]: "01", [all[1].id]: null },
  });
});

check("who leaves is not waited for", { fixture }, async (t) => {
  const all = await crowd(t, 2);
  all[0].on("question", (_, answer) => answer(1));
  all[1].on("question", () => all[1].disconnect());
  const got = await t.control("ask", {}, 10_000);
  equal([got.Error, got.Values[all[0].id], got.Expected], ["", 1, 2]);
});

check("a socket that was fetched can be reached", { fixture }, async (t) => {
  const [socket] = await crowd(t, 1);
  socket.on("question", (q, answer) => answer("got " + q));
  equal(await t.control("remote", socket.id), "got q");
  equal(await told([socket]), [["remotely"]]);
  equal(await t.control("rooms"), ["remote"]);
});

check("a client that stopped reading loses volatile events, and nothing else", { fixture: "small" }, async (t) => {
  const proxy = await t.proxy();
  const [slow, other] = [await t.connect("/", {}, proxy.url), await t.connect()];
  await t.settle();
  for (const s of [slow, other]) s.told = collect(s, "told");
  const ended = collect(slow, "disconnect");
  proxy.freeze();
  await t.control("flood", slow.id, 600); // 39 MB: more than the network takes
  await t.control("emit", {}, "kept");
  equal((await told([other]))[0], ["kept"], "others are not delayed");
  proxy.thaw();
  await until(() => slow.told.some(([what]) => what === "kept"), "the event that is not volatile");
  equal(ended, []);
  const numbers = slow.told.map(([n]) => n).filter((n) => n !== "kept");
  equal(numbers, numbers.toSorted((a, b) => a - b), "volatile events out of order");
  ok(numbers.length > 0 && numbers.length < 600, `${numbers.length} of 600`);
});

await run();
