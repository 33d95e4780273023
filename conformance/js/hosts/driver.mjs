// Plays socket.io-clients for the Go tests of conformance/hosts, in Node (node.mjs) and in
// a browser's page: each request names a client and what it is to do.

const PATIENCE = 15_000; // ms: a bound on a broken test, not a claim about speed

export class Driver {
  #clients = new Map();

  // ways are the lists of transports that a client may have, by name.
  constructor(io, ways) {
    this.io = io;
    this.ways = ways;
  }

  // perform does one request and returns its result.
  async perform({ act, client, args = {} }) {
    if (act === "open") return this.#open(client, args);
    const c = this.#clients.get(client);
    if (!c) throw new Error(`no client ${client}`);
    return c[act](args);
  }

  #open(name, { url, way, options }) {
    if (!this.ways[way]) throw new Error(`no way ${way}`);
    const socket = this.io(url, {
      forceNew: true,
      transports: this.ways[way],
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      ...options,
    });
    this.#clients.set(name, new Client(socket));
  }
}

// Client is one socket and what has happened to it.
class Client {
  log = []; // of {event, reason?, status?, text?}

  constructor(socket) {
    this.socket = socket;
    socket.on("connect", () => this.log.push({ event: "connect" }));
    socket.on("disconnect", (reason, details) => {
      this.log.push({ event: "disconnect", reason, status: status(details?.description) });
    });
    socket.on("connect_error", (error) => {
      const text = error.context?.responseText;
      this.log.push({ event: "connect_error", reason: error.message, status: status(error.description), text });
    });
  }

  get transport() {
    return this.socket.io.engine?.transport?.name;
  }

  state() {
    return { connected: this.socket.connected, transport: this.transport, log: this.log };
  }

  // happened waits until an event of that name is in the log, and returns it.
  async happened({ event }) {
    const find = () => this.log.find((entry) => entry.event === event);
    await until(find, event, this);
    return find();
  }

  async connected() {
    await until(() => this.socket.connected, "connected", this);
  }

  async upgraded() {
    await until(() => this.socket.connected && this.transport === "websocket", "the upgrade", this);
  }

  // converse lets all kinds of messages go to the server and come back.
  async converse() {
    await this.connected();
    const text = "음".repeat(10_000);
    const bytes = new Uint8Array(5_000).map((_, i) => i);
    const ask = (value) => this.socket.timeout(PATIENCE).emitWithAck("echo", value);
    for (const value of ["small", text, { list: [1, null, "three"] }]) same(await ask(value), value);
    same([...new Uint8Array(await ask(bytes))], [...bytes]);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    same(await Promise.all(numbers.map(ask)), numbers);
    const made = [];
    const collect = (n, filler) => made.push([n, filler.length]);
    this.socket.on("made", collect);
    await this.socket.timeout(PATIENCE).emitWithAck("make", 20, 2_000);
    await until(() => made.length === 20, "what the server makes", this);
    this.socket.off("made", collect);
    same(made, numbers.map((n) => [n, 2_000]));
    return this.state();
  }

  // pings waits until the server has pinged that often from now on.
  async pings({ count }) {
    let seen = 0;
    this.socket.io.on("ping", () => seen++);
    await until(() => seen >= count, `${count} pings`, this);
  }

  // send emits without asking for an answer.
  send({ size }) {
    this.socket.emit("echo", "x".repeat(size));
  }

  // work asks one question after the other until it is told to rest, and counts.
  work() {
    let going = true;
    const count = { answered: 0, unanswered: 0 };
    const done = (async () => {
      for (let n = 0; going; n++) {
        try {
          same(await this.socket.timeout(5_000).emitWithAck("echo", n), n);
          count.answered++;
        } catch {
          count.unanswered++;
        }
        await pause(5);
      }
    })();
    this.count = count;
    this.stop = () => {
      going = false;
      return done;
    };
  }

  // worked waits for so many more answers.
  async worked({ answers }) {
    const goal = this.count.answered + answers;
    await until(() => this.count.answered >= goal, `${answers} answers`, this);
    return this.count;
  }

  async rest() {
    await this.stop();
    return { ...this.count, ...this.state() };
  }

  close() {
    this.socket.disconnect();
  }
}

function status(description) {
  return typeof description === "number" ? description : description?.status;
}

function same(got, want) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`got ${a?.slice(0, 200)}, want ${b.slice(0, 200)}`);
}

async function until(condition, about, client) {
  const deadline = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came: ${about}; ${JSON.stringify(client.state())}`);
    await pause(5);
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
