// The server behind a name and a certificate, as clients meet it that trust its authority.
import { Agent } from "node:https";
import { check, equal, given, ok, run } from "../examples/harness.mjs";

// The name leads to this machine.
const lookup = (_name, { all }, done) => (all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));
const auth = { token: given.token };

for (const transport of ["websocket", "polling"]) {
  check(`${transport} to the certificate's name`, async (a) => {
    const agent = new Agent({ ca: given.ca, lookup });
    const socket = await a.connect("/chat", { auth, agent, transports: [transport] });
    equal(socket.io.engine.transport.name, transport);
    const answer = await socket.emitWithAck("join", { room: "1" });
    equal(answer.code, "not_found");
  });

  check(`${transport} without trust in the authority`, async (a) => {
    const error = await a.refused("/chat", { auth, agent: new Agent({ lookup }), transports: [transport] });
    ok(error);
  });
}

await run();
