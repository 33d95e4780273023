// What socket.io-msgpack-parser writes and reads, for the Go package that speaks its form.
//
// Without input: packets whose values JSON cannot name, as they are written, one object
// each in the JSON array on standard output:
//   name, encoder, message (base64), sent and decoded: the packet as JSON, before and after
// With a JSON array of messages (base64) on standard input: for each what is read from it,
// {packet, browser}: by the parser, and by notepack.io's build for browsers; or {error}, of
// the latter if there is a packet.
// Packets are JSON text here. Bytes, anywhere, are {"$binary": base64}.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import parser from "socket.io-msgpack-parser";
import notepack3 from "notepack.io-3";

const require = createRequire(import.meta.url);
const browser = { encode: require("notepack.io/browser/encode.js"), decode: require("notepack.io/browser/decode.js") };

function tag(value) {
  if (Buffer.isBuffer(value)) return { $binary: value.toString("base64") };
  // Of a view the whole buffer is written.
  if (ArrayBuffer.isView(value)) return tag(Buffer.from(value.buffer));
  if (value instanceof ArrayBuffer) return tag(Buffer.from(value));
  if (Array.isArray(value)) return value.map(tag);
  if (value === null || typeof value !== "object" || typeof value.toJSON === "function") return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, tag(v)]));
}

const json = (packet) => JSON.stringify(tag(packet));

function decode(message) {
  const decoder = new parser.Decoder();
  let packet;
  decoder.on("decoded", (decoded) => (packet = decoded));
  decoder.add(message);
  return packet;
}

const encoders = {
  parser: (packet) => new parser.Encoder().encode(packet)[0],
  browser: (packet) => Buffer.from(browser.encode(packet)),
  "notepack.io 3": (packet) => notepack3.encode(packet),
};

const numbers = [
  0, -0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60, 2 ** 63, 2 ** 64 - 2048,
  -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32), -(2 ** 53) + 1, -(2 ** 63),
  0.5, -0.1, 1e-7, 5e-324, Math.PI, NaN, Infinity, -Infinity,
];
const dates = [0, 1, -1, 999, 1000, 1e12, 1690000000123, 2 ** 34 * 1000, -62167219200001, -62198755200000, 253402300799999, 253402300800000, 8.64e15, -8.64e15].map((ms) => new Date(ms));
const strings = ["", "a", "x".repeat(31), "x".repeat(32), "y".repeat(255), "y".repeat(256), "z".repeat(65535), "z".repeat(65536),
  "한글 \u2028 \0 \" \\ 😀 \x7f \n\t\r\b\f", "가".repeat(40), "\uffff\u0080\u07ff\u0800"];
const wide = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`key${i}`, i]));
const bytes = (n) => new Uint8Array(n).map((_, i) => i).buffer;
const event = (...data) => ({ type: 2, data: ["ev", ...data], nsp: "/" });

const packets = {
  "the client's CONNECT": { type: 0, data: undefined, nsp: "/" },
  "CONNECT with auth": { type: 0, data: { token: "x", n: 1, none: undefined, when: new Date(5) }, nsp: "/admin" },
  "the server's CONNECT": { type: 0, data: { sid: "abc", pid: undefined }, nsp: "/" },
  DISCONNECT: { type: 1, nsp: "/" },
  "an event of the client": { type: 2, data: ["ev", { a: [1] }], options: { compress: true }, id: 0, nsp: "/한" },
  "an event without id": { type: 2, data: ["ev"], options: { compress: false }, id: undefined, nsp: "/" },
  "an ack": { type: 3, id: 2 ** 53 - 1, data: [], nsp: "/" },
  "an ack with bytes": { type: 3, id: 12, data: [Buffer.from("bytes"), { b: Buffer.alloc(0) }], nsp: "/x" },
  CONNECT_ERROR: { type: 4, data: { message: "no", data: undefined }, nsp: "/" },
  "CONNECT_ERROR in words": { type: 4, data: "no", nsp: "/" },
  "a numeric name": { type: 2, data: [7, "x"], nsp: "/" },
  numbers: event(...numbers),
  "numbers in objects": event(Object.fromEntries(numbers.map((n) => [String(n), n]))),
  "integers beyond 64 bits": event(2 ** 64, -(2 ** 65), 1e300),
  dates: event(...dates, { at: dates }),
  strings: event(...strings),
  keys: event(Object.fromEntries(strings.filter((s) => s.length < 1000).map((s) => [s, s])), { 1: 1, "-1": 2 }),
  undefined: event(undefined, [undefined, 1, undefined], { a: undefined, b: 1, c: undefined }, { a: undefined }, null, true, false),
  toJSON: event({ toJSON: () => ({ x: 1 }) }, { a: { toJSON: () => undefined } }, { f() {}, b: 1 }),
  arrays: event([], [[]], ...[15, 16, 17, 65535, 65536].map((n) => Array(n).fill(1))),
  objects: event({}, ...[15, 16, 17, 300].map(wide)),
  "a large object": event(wide(65536)),
  buffers: event(...[0, 1, 8, 255, 256, 65535, 65536].map((n) => Buffer.from(bytes(n)))),
  "array buffers": event(...[0, 1, 2, 4, 8, 16, 255, 256, 65535, 65536].map(bytes)),
  "bytes everywhere": event({ a: [bytes(3), { b: Buffer.from("b") }] }, "between", Buffer.from("c")),
  "typed arrays": event(new Uint8Array([1, 2, 3]), new Float64Array([1.5]), new Uint8Array(bytes(10), 3, 2)),
  "half a placeholder": event({ _placeholder: false, num: 0 }, { num: 0 }, Buffer.from("x")),
  "a placeholder without bytes": event({ _placeholder: true, num: 0 }),
};
// notepack.io for browsers has no bytes but ArrayBuffers, and takes others for objects.
const otherBytes = ["an ack with bytes", "buffers", "bytes everywhere", "typed arrays", "half a placeholder"];
// Long heads are the same by all.
const large = ["strings", "arrays", "a large object"];

const input = await text(process.stdin);
const out = [];
if (input === "") {
  for (const [encoder, encode] of Object.entries(encoders)) {
    for (const [name, packet] of Object.entries(packets)) {
      if (encoder === "browser" && otherBytes.includes(name)) continue;
      if (encoder !== "parser" && large.includes(name)) continue;
      const message = encode(packet);
      const decoded = encoder === "notepack.io 3" ? notepack3.decode(message) : decode(message);
      out.push({ name, encoder, message: message.toString("base64"), sent: json(packet), decoded: json(decoded) });
    }
  }
} else {
  for (const message of JSON.parse(input).map((m) => Buffer.from(m, "base64"))) {
    const answer = {};
    try {
      answer.packet = json(decode(message));
      answer.browser = json(browser.decode(new Uint8Array(message).buffer));
    } catch (error) {
      answer.error = error.message;
    }
    out.push(answer);
  }
}
process.stdout.write(JSON.stringify(out));
