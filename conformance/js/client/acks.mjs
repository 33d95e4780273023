import { check, collect, connected, equal, next, ok, range, rejected, run, until } from "./harness.mjs";

const fixture = "acks";

check("from the server: none, one, many values", { fixture }, async (t) => {
  const socket = await t.connect();
  for (const args of [[], [1], [1, "two", { three: [Buffer.from([4])] }]]) {
    const answer = await new Promise((resolve) => socket.emit("echo", ...args, (...got) => resolve(got)));
    equal(answer, args);
  }
  equal(await socket.emitWithAck("echo", "first", "second"), "first");
});

check("each question gets its own answer", { fixture }, async (t) => {
  const socket = await t.connect();
  equal(await Promise.all(range(300).map((n) => socket.emitWithAck("echo", n))), range(300));
});

check("time-outs on the client", { fixture }, async (t) => {
  const socket = await t.connect();
  equal((await rejected(socket.timeout(60).emitWithAck("silent"))).message, "operation has timed out");
  equal(await socket.timeout(10_000).emitWithAck("echo", 1), 1);
  const [error, ...rest] = await new Promise((resolve) => socket.timeout(10_000).emit("echo", 1, 2, (...a) => resolve(a)));
  equal([error, rest], [null, [1, 2]]);
});

check("answers out of order", { fixture }, async (t) => {
  const socket = await t.connect();
  const order = [];
  const first = socket.emitWithAck("keep").then((a) => order.push(a));
  const second = socket.emitWithAck("answer kept").then((a) => order.push(a));
  await Promise.all([first, second]);
  equal(order, ["second", "first"]);
});

check("only the first answer counts", { fixture }, async (t) => {
  const socket = await t.connect();
  const answers = [];
  const told = next(socket, "second answer");
  socket.emit("twice", (n) => answers.push(n));
  equal(await told, [true]);
  await socket.emitWithAck("sync");
  equal(answers, [1]);
});

check("an error is an answer", { fixture }, async (t) => {
  const socket = await t.connect();
  equal(await socket.emitWithAck("coded"),
    { status: "error", code: "conflict", message: "Too late", details: 7, cause: { pattern: "coded" } });
});

check("the server asks while it handles an event", { fixture }, async (t) => {
  const socket = await t.connect();
  socket.on("question", (...args) => args.pop()(...args.reverse()));
  for (const args of [[], [1], [1, { two: Buffer.from([3, 4]) }, "five"]]) {
    const answer = await new Promise((resolve) => socket.emit("ask", ...args, (...got) => resolve(got)));
    equal(answer, [...args].reverse());
  }
});

check("the server asks many things at once", { fixture }, async (t) => {
  const socket = await t.connect();
  const waiting = [];
  socket.on("double", (n, answer) => {
    waiting.push(() => answer(2 * n));
    if (waiting.length === 100) waiting.reverse().forEach((f) => f()); // the last first
  });
  equal(await socket.emitWithAck("ask many", 100), range(100).map((n) => 2 * n));
});

check("a client that does not answer", { fixture: "impatient" }, async (t) => {
  const socket = await t.connect();
  let late;
  socket.on("question", (...args) => (late = args.pop()));
  const [word, error] = await new Promise((resolve) => socket.emit("ask", 1, (...got) => resolve(got)));
  equal(word, "error");
  ok(error.includes("no acknowledgement came in time"), error);
  late("too late"); // harms nobody
  equal(await socket.emitWithAck("echo", 1), 1);
});

check("a client that leaves instead of answering", { fixture }, async (t) => {
  const socket = await t.connect();
  socket.on("question", () => socket.disconnect());
  socket.emit("ask and tell");
  ok((await t.control("failed")).includes("closed"), "another error");
});

check("what was not answered when the connection went", { fixture }, async (t) => {
  const socket = await t.connect();
  const lost = rejected(socket.emitWithAck("silent"));
  await socket.emitWithAck("sync");
  socket.io.engine.close();
  equal((await lost).message, "socket has been disconnected");
  await connected(socket);
  equal(await socket.emitWithAck("echo", "again"), "again");
});

check("with retries, each once and in order", { fixture }, async (t) => {
  const socket = await t.connect("/", { retries: 3, ackTimeout: 10_000 });
  const order = [];
  await Promise.all(range(20).map((n) =>
    new Promise((resolve) => socket.emit("echo", n, (error, m) => resolve(order.push([error, m]))))));
  equal(order, range(20).map((n) => [null, n]));
});

check("retries give up in the end", { fixture }, async (t) => {
  const socket = await t.connect("/", { retries: 2, ackTimeout: 40 });
  const error = await new Promise((resolve) => socket.emit("silent", resolve));
  equal(error.message, "operation has timed out");
});

await run();
