// The reference implementation, as its users run it, with the contract of bench/server.
// node server.js HOST:PORT [--deflate]
import { createServer } from "node:http";
import { Server } from "socket.io";

const args = process.argv.slice(2);
const [host, port] = (args.find((a) => !a.startsWith("--")) ?? "127.0.0.1:3000").split(":");

const http = createServer();
const io = new Server(http, { perMessageDeflate: args.includes("--deflate") });

io.on("connection", (socket) => {
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack?.();
  });
  socket.on("chat", (payload) => {
    io.to("room").emit("chat", payload);
  });
  socket.on("echo", (payload, ack) => {
    ack?.(payload);
  });
});

// For the measurement of connections at rest; global.gc is there with --expose-gc.
process.on("SIGUSR2", () => globalThis.gc?.());

http.listen(Number(port), host, () => console.log(`listening on ${host}:${port}`));
