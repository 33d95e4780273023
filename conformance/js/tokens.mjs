// What users of socket.io-client see of tokens that expire, are refreshed and revoked:
// node tokens.mjs URL. /token?sub=…&life=… gives it tokens of so many seconds. It writes a
// list of what happened.
import { io } from "socket.io-client";

const url = process.argv[2];
const told = [];

const token = async (sub, life) => (await fetch(`${url}/token?sub=${sub}&life=${life}`)).text();
const open = (token) => io(`${url}/c`, { forceNew: true, auth: { token } });
const next = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
// ended waits for the end of a socket, and tells what it was told before.
const ended = async (socket) => {
  const why = next(socket, "exception");
  const reason = await next(socket, "disconnect");
  return `${(await why).details.reason}, ${reason}, comes back: ${socket.active}`;
};

const other = open(await token("juno", 4));
const otherEnds = ended(other);
const socket = open(await token("mina", 4));
const { expiresAt } = await next(socket, "tokenExpiring");
told.push(`expiring soon: ${new Date(expiresAt) > new Date()}`);
const refused = await socket.emitWithAck("refreshToken", { token: await token("juno", 60) });
told.push(`refused: ${refused.code} ${refused.details.reason}`);
const renewed = await socket.emitWithAck("refreshToken", { token: await token("mina", 60) });
told.push(`later: ${new Date(renewed.expiresAt) > new Date(expiresAt)}`);
told.push(`still ${await socket.emitWithAck("whoami")}`);
const end = ended(socket);
socket.emit("signOutEverywhere");
told.push(await end);
const error = next(socket, "connect_error");
socket.connect();
told.push(`again: ${(await error).data.details.reason}`);
socket.close();

told.push(await otherEnds);
other.close();

console.log(JSON.stringify(told));
