// Runs checks against one server that the Go test has started. Results are written to
// standard output, one JSON line each. Checks run one after the other, and each has
// clients of its own.
import { inspect } from "node:util";
import { Manager } from "socket.io-client";
import { connected, within } from "../client/harness.mjs";

export { collect, equal, next, ok, rejected, until } from "../client/harness.mjs";

// given is what the Go test gave: the server's url, and what else the checks need.
export const given = JSON.parse(process.env.KACHI_GIVEN);

const checks = [];

// check declares a check. body gets an Audience.
export function check(name, body) {
  checks.push({ name, body });
}

// run runs all checks that were declared, and ends the process.
export async function run() {
  for (const { name, body } of checks) report({ name, error: await perform(body) });
  report({ done: checks.length });
  process.stdout.write("", () => process.exit(0));
}

function report(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function perform(body) {
  const audience = new Audience();
  try {
    await within(25_000, body(audience), "the check did not come to its end");
    return "";
  } catch (error) {
    return error instanceof Error ? error.stack : inspect(error);
  } finally {
    audience.leave();
  }
}

// Audience makes the clients of one check.
class Audience {
  #managers = [];

  // socket makes a client with a connection of its own, and begins to connect.
  // url is of another server than the one that is given.
  socket(namespace = "/", { auth, url = given.url, ...options } = {}) {
    const manager = new Manager(url, { autoConnect: false, reconnection: false, ...options });
    this.#managers.push(manager);
    const socket = manager.socket(namespace, { auth });
    socket.heard = {}; // the arguments of every event, by name
    socket.onAny((event, ...args) => (socket.heard[event] ??= []).push(args));
    socket.connect();
    return socket;
  }

  // connect is socket, and waits until it is connected.
  async connect(namespace, options) {
    const socket = this.socket(namespace, options);
    await connected(socket);
    return socket;
  }

  // refused connects a client that is to be refused, and returns the error.
  async refused(namespace, options) {
    const [error] = await new Promise((resolve, reject) => {
      const socket = this.socket(namespace, options);
      socket.once("connect_error", (...args) => resolve(args));
      socket.once("connect", () => reject(new Error("not refused")));
    });
    return error;
  }

  leave() {
    for (const manager of this.#managers) {
      for (const socket of Object.values(manager.nsps)) socket.disconnect();
      manager._close();
    }
  }
}

// request asks the server for something over HTTP, with JSON in and out.
export async function request(method, path, { token, body } = {}) {
  const response = await fetch(given.url + path, {
    method,
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}
