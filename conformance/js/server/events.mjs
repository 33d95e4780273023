// What the servers do that the Go client is tested against. The Go side of the same is in
// client/servers_test.go.

export function events(io) {
  const tries = new Map(); // of "stubborn", by key
  const kept = new Map(); // of "keep", by key

  io.of("/refusing").use((socket, next) => {
    if (socket.handshake.auth.token === "secret") return next();
    const error = new Error("not you");
    error.data = { code: "forbidden", got: socket.handshake.auth.token ?? null };
    next(error);
  });

  for (const name of ["/", "/chat", "/refusing"]) {
    io.of(name).on("connection", (socket) => {
      const on = (event, handler) => socket.on(event, handler);

      // echo answers with what it got; without an acknowledgement as an event.
      on("echo", (...args) => {
        const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
        if (ack) ack(...args);
        else socket.emit("echoed", ...args);
      });
      // ask asks the client, and answers with its answer.
      on("ask", async (...args) => {
        const ack = args.pop();
        socket.emit(...args, (...answer) => ack(...answer));
      });
      // inquire asks the client, and tells it its answer.
      on("inquire", (...args) => socket.emit(...args, (...answer) => socket.emit("answered", ...answer)));
      // who answers what the server knows of the client.
      on("who", (ack) => {
        const { auth, query, headers } = socket.handshake;
        ack({ id: socket.id, recovered: socket.recovered, transport: socket.conn.transport.name, auth, query, headers });
      });
      // stubborn answers from the nth try on.
      on("stubborn", (key, n, ack) => {
        const count = (tries.get(key) ?? 0) + 1;
        tries.set(key, count);
        if (count >= n) ack(count);
      });
      on("silent", () => {});
      on("failing", (ack) => ack({ status: "error", code: "conflict", message: "no", details: { version: 3 }, cause: { pattern: "failing" } }));
      // keep notes a value, and kept answers the list.
      on("keep", (key, value, ack) => {
        if (!kept.has(key)) kept.set(key, []);
        kept.get(key).push(value);
        ack?.(value);
      });
      on("kept", (key, ack) => ack(kept.get(key) ?? []));
      // count emits "number" n times.
      on("count", (n, size, ack) => {
        for (let i = 0; i < n; i++) socket.emit("number", i, "x".repeat(size));
        ack?.();
      });
      // tell emits to everybody in the namespace.
      on("tell", (event, value, ack) => {
        io.of(name).emit(event, value);
        ack?.();
      });
      on("kick", () => socket.disconnect());
      on("close", () => socket.conn.close());
    });
  }
}
