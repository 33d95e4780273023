// Driver.perform for Go: one request a line on standard input, one answer a line on
// standard output, in any order. It ends with its input.
import http2 from "node:http2";
import { createInterface } from "node:readline";
import { Fetch, NodeWebSocket } from "engine.io-client";
import { io } from "socket.io-client";
import { Driver } from "./driver.mjs";

// OverHTTP2 is the polling of browsers, which Node's fetch cannot: all clients of a
// server share one connection.
class OverHTTP2 extends Fetch {
  static #sessions = new Map();

  _fetch(data) {
    const url = new URL(this.uri());
    const sessions = OverHTTP2.#sessions;
    let session = sessions.get(url.origin);
    if (!session) {
      session = http2.connect(url.origin, { ca: this.opts.ca });
      session.on("error", () => {});
      session.on("close", () => sessions.delete(url.origin));
      sessions.set(url.origin, session);
    }
    return new Promise((resolve, reject) => {
      const head = { ":path": url.pathname + url.search };
      if (data !== undefined) Object.assign(head, { ":method": "POST", "content-type": "text/plain;charset=UTF-8" });
      const stream = session.request(head);
      stream.setEncoding("utf8");
      let status;
      let body = "";
      stream.on("response", (headers) => (status = headers[":status"]));
      stream.on("data", (chunk) => (body += chunk));
      stream.on("error", reject);
      stream.on("end", () => resolve({ ok: status === 200, status, text: async () => body }));
      stream.end(data);
    });
  }
}

const driver = new Driver(io, {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
  // With fetch answers are compressed.
  "polling, compressed": [Fetch],
  "upgrade, compressed": [Fetch, NodeWebSocket],
  "polling, HTTP/2": [OverHTTP2],
  "upgrade, HTTP/2": [OverHTTP2, NodeWebSocket],
});

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const request = JSON.parse(line);
  const answer = { id: request.id };
  try {
    answer.result = await driver.perform(request);
  } catch (error) {
    answer.error = error.stack ?? String(error);
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
lines.on("close", () => process.exit(0));
