// A client that tells what it sees, one JSON line each on standard output, as it happens:
// what has been written when the process is killed is what it has handed on. An empty line
// on standard input says that its CONNECT has been noted and may be sent; others are
// commands. Its parameter is JSON: url, transports, conn (the number of its first
// connection) and spaces: of each namespace what an earlier process has kept, if anything.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { Manager } from "socket.io-client";

const { url, transports, conn: first, spaces } = JSON.parse(process.argv[2]);

const note = (entry) => writeSync(1, JSON.stringify(entry) + "\n");

const unanswered = []; // CONNECTs that wait for being noted
const manager = new Manager(url, {
  transports,
  autoConnect: false,
  reconnectionDelay: 5,
  reconnectionDelayMax: 20,
  randomizationFactor: 0,
});

// Each attempt has a number, which the proxy reads in the query and the server in CONNECT.
let conn = first;
const number = () => (manager.opts.query = { c: conn });
number();
manager.on("reconnect_attempt", () => {
  conn++;
  number();
});
manager.on("close", () => note({ kind: "lost", conn }));

const sockets = {};
for (const [namespace, { session, position, socket: former }] of Object.entries(spaces)) {
  const socket = manager.socket(namespace, {
    auth(send) {
      const { engine } = manager;
      const mine = conn;
      unanswered.push(() => manager.engine === engine && engine.readyState === "open" && send({ c: mine }));
      note({ kind: "asked", conn, namespace, session: socket._pid, position: socket._lastOffset });
    },
  });
  sockets[namespace] = socket;
  [socket._pid, socket._lastOffset] = [session, position];
  socket.on("connect", () => {
    note({ kind: "admitted", conn, namespace, socket: socket.id, session: socket._pid, recovered: socket.recovered });
  });
  socket.on("disconnect", (reason) => {
    if (reason !== "io server disconnect") return;
    note({ kind: "dismissed", conn, namespace });
    socket.connect();
  });
  socket.on("m", (id, ...rest) => {
    const last = rest.at(-1);
    note({ kind: "got", conn, namespace, socket: socket.id, id, position: typeof last === "string" ? last : undefined });
  });
}

// leave has the socket come back on the next connection: on this one it would hand on what
// still arrives for its former self.
function leave(socket) {
  socket.disconnect();
  manager.once("close", () => setTimeout(() => socket.connect()));
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (line === "") {
      unanswered.shift()?.();
      return;
    }
    const [command, namespace] = line.split(" ");
    const socket = sockets[namespace];
    if (command === "leave" && socket.connected) {
      const { id } = socket;
      note({ kind: "left", conn, namespace, socket: id });
      unanswered.push(() => socket.id === id && leave(socket));
    }
  })
  .on("close", () => process.exit(0));

for (const socket of Object.values(sockets)) socket.connect();
manager.connect();
