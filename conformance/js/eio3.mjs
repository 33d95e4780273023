// The client of Engine.IO protocol 3 (engine.io-client 3.5, of Socket.IO 2) against an echo:
//   node eio3.mjs <url> <polling|websocket|upgrade> [base64]
// It fails with the first thing that is not as it should be, and writes what it has seen.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const connect = require("engine.io-client-v3");

const [url, way, base64] = process.argv.slice(2);
const options = {
  path: "/engine.io/",
  transports: way === "upgrade" ? ["polling", "websocket"] : [way],
  upgrade: way === "upgrade",
  forceBase64: base64 === "base64",
};

// What comes back, in order, whatever it was; waiters wait for as much as they name.
function open() {
  const socket = connect(url, options);
  const got = [];
  const waiting = [];
  const look = () => {
    for (const w of waiting.splice(0)) got.length >= w.count ? w.resolve() : waiting.push(w);
  };
  socket.on("message", (data) => {
    got.push(data ?? ""); // an empty text comes as undefined
    look();
  });
  const failed = new Promise((_, reject) => {
    socket.on("error", reject);
    socket.on("close", (reason, error) => reject(new Error(`closed: ${reason} ${error ?? ""}`)));
  });
  failed.catch(() => {}); // who waits hears of it
  const until = (event) => Promise.race([once(socket, event), failed]);
  const received = (count) =>
    Promise.race([new Promise((resolve) => (waiting.push({ count, resolve }), look())), failed]);
  return { socket, got, until, received };
}

const equal = (got, want) =>
  assert.deepEqual(
    got.map((m) => (typeof m === "string" ? m : Buffer.from(m))),
    want,
  );

const { socket, got, until, received } = open();
const upgraded = way === "upgrade" && until("upgrade");
await until("open");
// In Node the client polls in base64 whatever forceBase64 says: its XMLHttpRequest knows
// nothing binary.
if (way === "polling") assert.equal(socket.transport.supportsBinary, false);
const sent = ["", "text", "한글 😀 é \u2028 2:4a", Buffer.from([0, 1, 0xff, 0x1e]), Buffer.alloc(0), "after", "x".repeat(100_000)];
sent.push(Buffer.alloc(70_000, 7));
for (let i = 0; i < 100; i++) sent.push(i % 3 ? `${i}` : Buffer.from([i])); // across the upgrade, too
for (const message of sent) socket.send(message);
await received(sent.length);
equal(got, sent);

if (upgraded) {
  await upgraded;
  assert.equal(socket.transport.name, "websocket");
}
for (const message of sent) socket.send(message);
await received(2 * sent.length);
equal(got.slice(sent.length), sent);

// The server allows an interval and a time-out without a ping: the connection outlives
// several of them.
const began = Date.now();
const patience = socket.pingInterval + socket.pingTimeout;
let pongs = 0;
while (Date.now() - began < 2 * patience) {
  await until("pong");
  pongs++;
}
socket.send("still here");
await received(2 * sent.length + 1);
assert.equal(got.at(-1), "still here");

const closed = once(socket, "close");
socket.close();
await closed;
console.log(JSON.stringify({ transport: socket.transport.name, messages: got.length, pongs }));
