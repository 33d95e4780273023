// Runs socket.io servers for the tests of the Go client. Each line of standard input is a
// command, {"id", "do", …}, and each line of standard output its answer, {"id", …}.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";
import parser from "socket.io-msgpack-parser";
import { events } from "./events.mjs";

const stages = new Map(); // by port

const commands = {
  // start runs a server and answers its port.
  async start({ port = 0, options = {} }) {
    const { refuse, messagePack, ...rest } = options;
    const http = createServer((_, response) => response.writeHead(404).end());
    const io = new Server(http, {
      ...rest,
      ...(messagePack && { parser }),
      ...(refuse && { allowRequest: (_, callback) => callback(refuse, false) }),
    });
    events(io);
    await listen(http, port);
    port = http.address().port;
    stages.set(port, { io, http });
    return { port };
  },
  // stop ends one, and cuts its connections.
  async stop({ port }) {
    const { io, http } = stages.get(port);
    stages.delete(port);
    const closed = io.close();
    http.closeAllConnections();
    await closed;
    return {};
  },
  // connections answers how many a server has.
  async connections({ port }) {
    return { connections: stages.get(port).io.engine.clientsCount };
  },
};

// listen waits a little for a port that was in use a moment ago.
async function listen(http, port) {
  for (let left = 100; ; left--) {
    try {
      return await new Promise((resolve, reject) => {
        http.once("error", reject);
        http.listen(port, "127.0.0.1", () => {
          http.removeListener("error", reject);
          resolve();
        });
      });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const input = createInterface({ input: process.stdin });
input.on("line", async (line) => {
  const { id, do: name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[name](rest);
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  process.stdout.write(JSON.stringify({ id, ...answer }) + "\n");
});
input.on("close", () => process.exit(0)); // whoever started it is gone
