// Runs the reference parsers over packets given by the Go tests.
//
// Standard input: a JSON array of requests; standard output: an array of the answers.
//   {decode: [message…]}          → {packet} or {error}, by socket.io-parser
//   {encode: packet}              → {messages}, by socket.io-parser
//   {decodePayload: text}         → {packets}, by engine.io-parser
//   {encodePayload: [packet…]}    → {text}, by engine.io-parser
//   {decodePayloadV3: message}    → {packets}, by engine.io-parser 2, of protocol 3
//   {encodePayloadV3: {packets, supportsBinary}} → {text} or {binary}, by engine.io-parser 2
// A message is {text} or {binary}. Bytes, anywhere, are {"$binary": base64}.
import { text } from "node:stream/consumers";
import { Decoder, Encoder } from "socket.io-parser";
import { decodePayload, encodePayload } from "engine.io-parser";
import v3 from "engine.io-parser-v3";

function tag(value) {
  if (Buffer.isBuffer(value)) return { $binary: value.toString("base64") };
  return mapped(value, tag);
}

function untag(value) {
  if (value?.$binary !== undefined) return Buffer.from(value.$binary, "base64");
  return mapped(value, untag);
}

function mapped(value, f) {
  if (Array.isArray(value)) return value.map(f);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, f(v)]));
}

const answers = {
  decode(messages) {
    const decoder = new Decoder();
    let packet;
    decoder.on("decoded", (decoded) => (packet = decoded));
    try {
      for (const message of messages) {
        decoder.add(message.text ?? Buffer.from(message.binary, "base64"));
      }
    } catch (error) {
      return { error: error.message };
    }
    return { packet: tag(packet) };
  },
  encode(packet) {
    const messages = new Encoder().encode(untag(packet));
    return {
      messages: messages.map((m) => (typeof m === "string" ? { text: m } : { binary: m.toString("base64") })),
    };
  },
  decodePayload: (payload) => ({ packets: decodePayload(payload).map(tag) }),
  encodePayload(packets) {
    let text;
    encodePayload(packets.map(untag), (encoded) => (text = encoded));
    return { text };
  },
};

answers.decodePayloadV3 = (message) => {
  const packets = [];
  v3.decodePayload(message.text ?? Buffer.from(message.binary, "base64"), (packet) => {
    packets.push(tag(packet));
  });
  return { packets };
};
answers.encodePayloadV3 = ({ packets, supportsBinary }) => {
  let message;
  v3.encodePayload(packets.map(untag), supportsBinary, (encoded) => {
    message = typeof encoded === "string" ? { text: encoded } : { binary: encoded.toString("base64") };
  });
  return message;
};

const requests = JSON.parse(await text(process.stdin));
const out = requests.map((request) => {
  const [[name, value]] = Object.entries(request);
  return answers[name](value);
});
process.stdout.write(JSON.stringify(out));
