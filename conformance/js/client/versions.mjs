// Clients of the versions that the protocol has had since 3.0. They connect to the same
// server; what their API lacked then, these checks do without.
import { createRequire } from "node:module";
import { check, collect, equal, next, range, run, until } from "./harness.mjs";

const require = createRequire(import.meta.url);
const bytes = (n) => Buffer.alloc(n, n);

for (const version of ["3.0", "4.0", "4.5"]) {
  const { io } = require(`socket.io-client-${version}`);

  // connect is Play.connect for this version.
  async function connect(t, namespace = "/", options = {}, url = t.url) {
    const socket = io(url + namespace, t.options({ forceNew: true, ...options }));
    t.after(() => socket.disconnect());
    await next(socket, "connect");
    return socket;
  }
  const asked = (socket, event, ...args) =>
    new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));
  const upgraded = async (t, { io: { engine } }) => {
    if (t.way === "upgrade") await until(() => engine.transport.name === "websocket", "the upgrade");
  };

  check(`${version}: events, binary and acknowledgements`, { fixture: "echo" }, async (t) => {
    const socket = await connect(t);
    const args = [1, "ü😀", { deep: [bytes(3)] }, bytes(0), null];
    equal(await asked(socket, "echo", ...args), args);
    const heard = collect(socket, "back");
    for (const n of range(200)) socket.emit("back", n, ...(n % 3 ? [] : [bytes(n)]));
    await until(() => heard.length === 200, "all events");
    equal(heard.map(([n]) => n), range(200));
    await upgraded(t, socket);
    equal(await asked(socket, "echo", ...args), args);
  });

  check(`${version}: refusals`, { fixture: "guarded" }, async (t) => {
    const refused = io(t.url, t.options({ forceNew: true, auth: { token: "coded" } }));
    t.after(() => refused.disconnect());
    const [error] = await next(refused, "connect_error");
    equal([error.message, error.data.code], ["Not you", "forbidden"]);
    const unknown = io(t.url + "/unknown", t.options({ forceNew: true }));
    t.after(() => unknown.disconnect());
    equal((await next(unknown, "connect_error"))[0].message, "Invalid namespace");
  });

  check(`${version}: ends and returns`, { fixture: "life" }, async (t) => {
    const socket = await connect(t);
    await upgraded(t, socket);
    let ended = next(socket, "disconnect");
    await t.control("down");
    await ended;
    const acks = [];
    for (const n of range(300)) socket.emit("number", n, (m) => acks.push(m));
    await t.control("up");
    await until(() => acks.length === 300, "acknowledgements");
    equal(acks, range(300));
    equal(await t.control("numbers"), range(300));
    ended = next(socket, "disconnect");
    await t.control("kick", socket.id, true);
    equal((await ended)[0], "io server disconnect");
    await until(async () => (await t.control("connections")) === 0, "the connection's end");
  });
}

await run();
