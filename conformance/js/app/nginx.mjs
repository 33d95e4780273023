// The server behind nginx, as deploy/nginx has it.
import { check, equal, given, ok, run, until } from "../examples/harness.mjs";

const auth = { token: given.token };
const paths = {
  "its own path": {},
  "/chat/": { path: "/chat" },
  "/chat": { path: "/chat", addTrailingSlash: false },
};
const ways = {
  polling: ["polling"],
  WebSocket: ["websocket"],
  "polling, then WebSocket": ["polling", "websocket"],
};

const transport = (socket) => socket.io.engine.transport.name;

async function talks(socket, transports) {
  const answer = await socket.emitWithAck("join", given.room);
  equal(answer.room, given.room);
  const long = "까치".repeat(500);
  ok((await socket.emitWithAck("message", { room: given.room, message: long })).id);
  await until(() => transport(socket) === transports.at(-1), "the transport");
  ok((await socket.emitWithAck("message", { room: given.room, message: "after" })).id);
}

for (const [at, place] of Object.entries(paths)) {
  for (const [way, transports] of Object.entries(ways)) {
    check(`${way} at ${at}`, async (a) => {
      const socket = await a.connect("/chat", { auth, transports, ...place });
      await talks(socket, transports);
    });
  }
}

check("clients come back when the server is started again", async (a) => {
  const all = [];
  for (const place of Object.values(paths)) {
    for (const transports of Object.values(ways)) {
      const socket = await a.connect("/chat", { auth, transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...place });
      const one = { socket, transports, connects: 1 };
      socket.on("connect", () => one.connects++);
      all.push(one);
    }
  }
  equal((await fetch(given.restart, { method: "POST" })).status, 200);
  await until(() => all.every((one) => one.connects > 1 && one.socket.connected), "all are back");
  for (const one of all) await talks(one.socket, one.transports);
});

await run();
