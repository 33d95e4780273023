// Clients of an application whose own protocol has had several versions: 2 and 3 are served.
import { check, equal, next, run } from "../examples/harness.mjs";

const at = (version) => ({ auth: { version } });

check("each client has what its version has", async (a) => {
  const unsaid = await a.connect("/c");
  const [old, current] = [await a.connect("/c", at(2)), await a.connect("/c", at(3))];
  const query = await a.connect("/c", { query: { version: "3" } });
  for (const socket of [unsaid, old]) {
    equal(await socket.emitWithAck("greet"), "hello");
    equal((await socket.emitWithAck("write", "x")).code, "not_found");
  }
  for (const socket of [current, query]) equal(await socket.emitWithAck("greet"), { text: "hello" });
  const told = Promise.all([unsaid, old, current, query].map((s) => next(s, "said")));
  equal(await current.emitWithAck("write", "news"), undefined);
  await told;
  for (const socket of [unsaid, old]) equal(socket.heard, { said: [["news"]] });
  for (const socket of [current, query]) equal(socket.heard, { written: [["news"]], said: [["news"]] });
});

check("a version that is not served is refused, and told which are", async (a) => {
  for (const version of [1, 4, "next"]) {
    const { data } = await a.refused("/c", at(version));
    equal([data.code, data.details], ["version", { oldest: 2, current: 3 }]);
  }
});

run();
