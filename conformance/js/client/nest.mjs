// A front end as it is written for NestJS: errors come as the event "exception", and an
// acknowledgement is a result.
import { check, equal, given, next, ok, run } from "../examples/harness.mjs";

// exception sends an event, with an acknowledgement asked for or not, and returns what the
// client is told of its failure.
async function exception(a, asks, event, ...args) {
  const socket = await a.connect("/c");
  const told = next(socket, "exception");
  let acknowledged = false;
  if (asks) socket.emit(event, ...args, () => (acknowledged = true));
  else socket.emit(event, ...args);
  const [body, ...more] = await told;
  equal(await socket.emitWithAck("fine", "settled"), "settled");
  ok(!acknowledged, "the acknowledgement was called");
  equal([more, socket.heard.exception.length], [[], 1]);
  return body;
}

for (const asks of [false, true]) {
  for (const [event, message, payload] of [
    ["coded", "short and stout", { a: [1, { b: null }] }],
    ["unexpected", "Internal error", "text"],
    ["panic", "Internal error", 7],
    ["guarded", "Forbidden resource", { secret: "x" }],
    ["typed", "the argument is to be an integer, and is string", "no number"],
    ["slow", "There was no answer in time", "x"],
    ["no such event", "There is no such event", [1, 2]],
  ]) {
    if (event === "slow" && !asks) continue; // nobody waits
    check(`${event}, ${asks ? "acknowledgement asked for" : "none asked for"}`, async (a) => {
      const { status, message: text, cause } = await exception(a, asks, event, payload);
      equal([status, text], ["error", message]);
      equal(cause, given.echo ? { pattern: event, data: payload } : { pattern: event });
    });
  }
}

check("several arguments are echoed as an array", async (a) => {
  const { cause } = await exception(a, true, "typed", 1, "two");
  equal(cause, given.echo ? { pattern: "typed", data: [1, "two"] } : { pattern: "typed" });
});

check("results are acknowledgements, and events where the handler says so", async (a) => {
  const socket = await a.connect("/c");
  for (const value of [0, "", false, [], { a: 1 }]) equal(await socket.emitWithAck("fine", value), value);
  socket.emit("event", "hello");
  equal(await next(socket, "answered"), ["hello"]);
  equal(socket.heard.exception, undefined);
});

run();
