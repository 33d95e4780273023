import { check, collect, equal, next, ok, range, run, until } from "./harness.mjs";

const fixture = "echo";
const bytes = (n) => Buffer.from(range(n).map((i) => i % 256));

function echoed(socket, event, ...args) {
  return new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));
}

const values = {
  "a buffer": [Buffer.from([1, 2, 3])],
  "an empty one": [Buffer.alloc(0)],
  "every byte": [bytes(256)],
  "several, with text between": [bytes(3), "text", bytes(5), 7, null, bytes(1)],
  "in an object": [{ file: bytes(10), name: "a.bin" }],
  "deep inside": [{ a: [{ b: { c: [1, [bytes(4), { d: bytes(2) }]] } }], e: "ü" }],
  "ten, the most there may be": [range(10).map((n) => bytes(n))],
  "the same twice": ((b) => [b, { b }])(bytes(6)),
  "bytes that look like packets": [Buffer.from("42[\"echo\"]"), Buffer.from("b4\x1e2probe")],
  "a hundred kilobytes": [bytes(100_000)],
};

for (const [name, args] of Object.entries(values)) {
  check(`both ways: ${name}`, { fixture }, async (t) => {
    const socket = await t.connect();
    equal(await echoed(socket, "echo", ...args), args);
    const event = next(socket, "back");
    socket.emit("back", ...args);
    equal(await event, args);
  });
}

// The MessagePack parser writes the whole buffer that a view shows a part of.
check("kinds of bytes", { fixture, json: true }, async (t) => {
  const socket = await t.connect();
  const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
  const floats = new Float32Array([1.5, -2]);
  const want = [Buffer.from([1, 2, 3]), Buffer.from([1, 2, 3]), Buffer.from(floats.buffer), Buffer.from([1, 2, 3])];
  const data = new DataView(new Uint8Array([9, 1, 2, 3]).buffer, 1);
  equal(await echoed(socket, "echo", view, view.slice().buffer, floats, data), want);
});

check("a blob", { fixture, ways: ["websocket", "polling"] }, async (t) => {
  const socket = await t.connect();
  const arrived = await echoed(socket, "echo", { blob: Buffer.from(await new Blob(["héllo"]).arrayBuffer()) });
  equal(arrived, [{ blob: Buffer.from("héllo") }]);
});

check("into Go's types and back", { fixture }, async (t) => {
  const socket = await t.connect();
  const answer = await echoed(socket, "typed", "n", {
    parts: [{ data: bytes(3) }, { data: bytes(0) }],
    named: { x: bytes(2), "ü": bytes(4) },
  }, bytes(5));
  equal(answer, ["n", {
    parts: [{ data: bytes(3), size: 3 }, { data: bytes(0), size: 0 }],
    named: { x: bytes(2), "ü": bytes(4) },
  }, bytes(5)]);
});

check("in order with text", { fixture }, async (t) => {
  const socket = await t.connect();
  const heard = collect(socket, "back");
  for (const n of range(200)) {
    if (n % 3) socket.emit("back", n);
    else socket.emit("back", n, bytes(n), { more: bytes(n % 7) });
  }
  await until(() => heard.length >= 200, "all events");
  equal(heard.map(([n]) => n), range(200));
  equal(heard[99], [99, bytes(99), { more: bytes(1) }]);
});

check("a burst of binary events from the server", { fixture }, async (t) => {
  const socket = await t.connect();
  const made = collect(socket, "made");
  await socket.emitWithAck("make", 300, 500, "binary");
  equal(made.map(([n, b]) => [n, b.length, b[0], b[499]]), range(300).map((n) => [n, 500, n % 256, n % 256]));
});

check("near the limit of a payload", { fixture }, async (t) => {
  const socket = await t.connect();
  const size = t.way === "websocket" ? 999_000 : 700_000; // polling says it in base64
  const [answer] = await echoed(socket, "twice as much", bytes(size));
  ok(answer.length === 2 * size && answer.subarray(size).equals(bytes(size)), `${answer.length} bytes`);
});

check("base64 where the client can do nothing else", { fixture }, async (t) => {
  const socket = await t.connect("/", { forceBase64: true });
  await t.settle();
  const args = [{ deep: [bytes(300)] }, bytes(2)];
  equal(await echoed(socket, "echo", ...args), args);
});

check("more attachments than may be", { fixture }, async (t) => {
  const socket = await t.connect("/", { reconnection: false });
  const id = socket.id;
  const ended = next(socket, "disconnect");
  socket.emit("echo", range(11).map(() => bytes(1)));
  equal((await ended)[0], "transport close");
  equal(await t.control("reason", id), "forced close");
});

check("a placeholder made by hand gets nobody's bytes", { fixture }, async (t) => {
  const socket = await t.connect();
  const fake = { _placeholder: true, num: 0 };
  await echoed(socket, "echo", bytes(8)); // bytes of an event before
  const [answer] = await echoed(socket, "echo", fake);
  ok(!Buffer.isBuffer(answer), "bytes came back");
  equal(await echoed(socket, "raw", fake), [fake]);
  await socket.emitWithAck("sync");
});

await run();
