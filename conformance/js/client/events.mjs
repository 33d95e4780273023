import { check, collect, connected, equal, next, ok, range, run, until } from "./harness.mjs";

const fixture = "echo";

// back sends an event and returns the arguments of the event that comes back.
async function back(socket, ...args) {
  const answer = next(socket, "back");
  socket.emit("back", ...args);
  return answer;
}

const values = {
  "nothing": [],
  "strings": ["", "plain", "quotes \" ' `", "back\\slash", "line\nbreak\ttab\u0000nul", "\u001e\u001f", "</script>&<>"],
  "unicode": ["é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\uFEFF", "ä".normalize("NFD"), "\u{10FFFF}", "العربية"],
  "numbers": [0, 1, -1, 1.5, 1e-7, 2 ** 53, -(2 ** 53), Number.MIN_VALUE, 0.1 + 0.2],
  "booleans and null": [true, false, null],
  "empty things": [[], {}, [[]], [{}], { a: {} }],
  "lists": [[1, "two", null, [3, [4]], { five: 6 }]],
  "objects": [{ a: 1, b: { c: [{ d: null }] }, "": "empty key", "ключ": "😀", "with space": 0 }],
  "awkward keys": [{ constructor: 2, toString: 3, length: 4 }],
  "false placeholder": [{ _placeholder: false, num: 0 }],
  "many": range(100),
};

// The MessagePack parser writes other values for these, or loses them.
const onlyJSON = {
  "large numbers": [1e21, Number.MAX_VALUE],
  "a key of every object": [JSON.parse('{"__proto__":1,"a":2}')],
};

for (const [name, args] of Object.entries({ ...values, ...onlyJSON })) {
  check(`arguments: ${name}`, { fixture, json: name in onlyJSON }, async (t) => {
    const socket = await t.connect();
    equal(await back(socket, ...args), args);
    equal(await new Promise((resolve) => socket.emit("echo", ...args, (...answer) => resolve(answer))), args);
    equal(await new Promise((resolve) => socket.emit("raw", ...args, (...answer) => resolve(answer))), args);
  });
}

check("what JSON makes of values", { fixture }, async (t) => {
  const socket = await t.connect();
  const date = new Date(1700000000000);
  equal(await back(socket, undefined, NaN, Infinity, date, new Map([[1, 2]]), { f() {}, u: undefined }, -0),
    [null, null, null, date.toISOString(), {}, {}, 0]);
});

check("half a surrogate pair harms nobody", { fixture, json: true }, async (t) => {
  const socket = await t.connect();
  const [text] = await back(socket, "a\uD800b");
  equal(text, "a\uFFFDb"); // Go's strings are UTF-8, which has no halves
  equal(await socket.emitWithAck("raw", "a\uDC00b"), "a\uDC00b");
});

check("event names", { fixture }, async (t) => {
  const socket = await t.connect();
  for (const name of ["any:", "any:ünïcödé 😀", "any:\"quoted\"", "any:[1,2]", "any:a\nb", "any:" + "x".repeat(5000)]) {
    const answer = await new Promise((resolve) => socket.emit(name, 1, 2, (...args) => resolve(args)));
    equal(answer, [name, 2]);
  }
});

check("an event without a handler is let pass", { fixture }, async (t) => {
  const socket = await t.connect();
  const ends = collect(socket, "disconnect");
  socket.emit("nobody listens", 1, { two: 3 }, Buffer.from([4]));
  socket.emit("");
  socket.emit("constructor");
  socket.emit("__proto__");
  await socket.emitWithAck("sync");
  equal(ends, []);
});

check("send and message", { fixture }, async (t) => {
  const socket = await t.connect();
  const answer = next(socket, "message");
  socket.send("hi", { there: 1 });
  equal(await answer, ["hi", { there: 1 }]);
});

check("many events keep their order both ways", { fixture }, async (t) => {
  const socket = await t.connect();
  const heard = collect(socket, "back");
  for (const n of range(2000)) {
    socket.emit("back", n, "x".repeat(n % 50));
    if (n % 500 === 499) await socket.emitWithAck("sync"); // within the mailbox's bound
  }
  await until(() => heard.length >= 2000, "all events");
  equal(heard.map(([n]) => n), range(2000));
});

check("a burst of a thousand from the server", { fixture }, async (t) => {
  const socket = await t.connect();
  const made = collect(socket, "made");
  await socket.emitWithAck("make", 1000, 20, "");
  equal(made.map(([n]) => n), range(1000));
});

check("volatile both ways, when nothing is in the way", { fixture }, async (t) => {
  const socket = await t.connect();
  await socket.emitWithAck("sync");
  await until(() => socket.io.engine.transport.writable, "a free transport");
  const made = collect(socket, "made");
  socket.volatile.emit("make", 3, 10, "volatile");
  await until(() => made.length >= 3, "volatile events");
  equal(made.map(([n]) => n), [0, 1, 2]);
});

check("with compression forbidden", { fixture }, async (t) => {
  const socket = await t.connect();
  const made = collect(socket, "made");
  socket.compress(false).emit("make", 3, 3000, "plain");
  await until(() => made.length >= 3, "events");
  equal(made.map(([n, text]) => [n, text.length]), [[0, 3000], [1, 3000], [2, 3000]]);
  if (t.way === "polling") equal(await t.control("encodings"), []);
});

check("catch-alls on both sides", { fixture }, async (t) => {
  const socket = await t.connect();
  const [incoming, first, outgoing] = [[], [], []];
  socket.onAny((event, ...args) => incoming.push([event, ...args]));
  socket.prependAny((event) => first.push([event, incoming.length]));
  socket.onAnyOutgoing((event, ...args) => outgoing.push([event, ...args]));
  await back(socket, 1, "two");
  socket.offAny();
  await back(socket, 3);
  equal(incoming, [["back", 1, "two"]]);
  equal(first, [["back", 0]]);
  equal(outgoing, [["back", 1, "two"], ["back", 3]]);
  equal(await t.control("outgoing"), ["back", "back"]);
});

check("a reserved name from the client ends its connection", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnection: false });
  const id = socket.id;
  const ended = next(socket, "disconnect");
  socket.io._packet({ type: 2, nsp: "/", data: ["disconnecting", 1], options: {} });
  equal((await ended)[0], "transport close");
  equal(await t.control("reason", id), "forced close");
});

check("JSON too deep ends the connection, deep JSON does not", { fixture }, async (t) => {
  const nested = (n) => JSON.parse("[".repeat(n) + "]".repeat(n));
  const socket = await t.connect("/", { reconnection: false });
  equal(await socket.emitWithAck("echo", nested(100)), nested(100));
  const ended = next(socket, "disconnect");
  socket.emit("echo", nested(2000));
  equal((await ended)[0], "transport close");
});

// As MessagePack they are binary, and base64 by polling takes a third more.
check("payloads up to the limit", { fixture: "large", json: true }, async (t) => {
  const socket = await t.connect();
  equal(socket.io.engine.maxPayload ?? 100_000, 100_000);
  // The frame holds more than the text: 4, 2, an id, ["echo",…].
  for (const size of [1000, 50_000, 99_940]) {
    const text = "é".repeat(10) + "x".repeat(size - 20);
    equal(await socket.emitWithAck("echo", text), text);
  }
  await socket.emitWithAck("make", 3, 1_000_000, ""); // the limit is for what comes in
  const id = socket.id;
  equal(await socket.emitWithAck("echo", 1), 1);
  equal(socket.id, id);
});

check("several big payloads in one go are spread over requests", { fixture: "large" }, async (t) => {
  const socket = await t.connect();
  const ends = collect(socket, "disconnect");
  const texts = range(8).map((n) => String(n).repeat(40_000));
  const answers = await Promise.all(texts.map((text) => socket.emitWithAck("echo", text)));
  equal(answers, texts);
  equal(ends, []);
});

check("a payload over the limit", { fixture: "large" }, async (t) => {
  const socket = await t.connect();
  const id = socket.id;
  await t.settle();
  const ended = next(socket, "disconnect");
  socket.emit("echo", "x".repeat(150_000));
  const [reason, details] = await ended;
  if (t.way === "polling") {
    equal([reason, details.description], ["transport error", 413]);
  } else {
    equal(reason, "transport close");
    equal(details.context.code, 1009);
    equal(await t.control("reason", id), "transport error");
  }
  await until(async () => (await t.control("oversized")) >= 150_000, "the hook");
  await connected(socket); // it has come back
  equal(await socket.emitWithAck("echo", 1), 1);
});

check("three megabytes from the server", { fixture }, async (t) => {
  const socket = await t.connect();
  const made = collect(socket, "made");
  await socket.emitWithAck("make", 1, 3_000_000, "");
  equal(made.map(([n, text]) => [n, text.length]), [[0, 3_000_000]]);
});

check("too many events at once: each is answered", { fixture: "busy" }, async (t) => {
  const socket = await t.connect();
  const exceptions = collect(socket, "exception");
  const answers = range(30).map((n) => socket.emitWithAck("work", n));
  socket.emit("work", 30); // without an acknowledgement
  await until(() => exceptions.length > 0, "the exception");
  await t.control("release");
  const settled = await Promise.all(answers);
  const handled = settled.filter((a) => typeof a === "number");
  equal(handled, range(handled.length));
  ok(handled.length >= 20 && handled.length < 30, `${handled.length} handled`);
  for (const a of settled.slice(handled.length)) {
    equal([a.status, a.code, a.cause], ["error", "overloaded", { pattern: "work" }]);
  }
  equal(exceptions.map(([e]) => e.code), ["overloaded"]);
});

check("a client that floods is sent away", { fixture: "busy" }, async (t) => {
  const socket = await t.connect();
  const id = socket.id;
  const ended = next(socket, "disconnect");
  for (const n of range(100)) socket.emit("work", n);
  equal((await ended)[0], "io server disconnect");
  equal(await t.control("reason", id), "flooding");
  equal(socket.active, false);
  await t.control("release");
});

await run();
