import { check, equal, next, run, until } from "./harness.mjs";

check("message is acknowledged", async (a) => {
  const socket = await a.connect("/channels");
  for (const payload of ["text", 1, { any: ["thing"] }, null]) {
    equal(await socket.emitWithAck("message", payload), "Hello world!");
  }
  equal(await socket.emitWithAck("message"), "Hello world!");
});

check("over polling alone, and over WebSocket alone", async (a) => {
  for (const transport of ["polling", "websocket"]) {
    const socket = await a.connect("/channels", { transports: [transport] });
    equal(await socket.emitWithAck("message", transport), "Hello world!");
    equal(socket.io.engine.transport.name, transport);
  }
});

check("a reply to one client is not broadcast to all", async (a) => {
  const [asking, other] = [await a.connect("/channels"), await a.connect("/channels")];
  asking.emit("ClientToServer", "hello");
  equal(await next(asking, "ServerToClient"), ["Hello Client!"]);
  await other.emitWithAck("message", "what was sent before has arrived");
  equal(other.heard, {});
});

check("a client that sends something else is told so", async (a) => {
  const socket = await a.connect("/channels");
  const answer = await socket.emitWithAck("ClientToServer", { not: "text" });
  equal([answer.status, answer.code, answer.cause], ["error", "bad_request", { pattern: "ClientToServer" }]);
  socket.emit("ClientToServer", 7);
  await until(() => socket.heard.exception, "the exception");
  equal(socket.heard.exception[0][0].code, "bad_request");
});

run();
