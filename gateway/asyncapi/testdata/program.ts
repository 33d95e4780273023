// A program that uses what is made for the gateways of app_test.go, and tells what came.
import { io, type Socket } from "socket.io-client";
import {
  ChatClient,
  KachiError,
  MapIdClient,
  PrivateClient,
  type ChatClientToServerEvents,
  type ChatServerToClientEvents,
  type Message,
  type PostMessage,
} from "./client.js";

const url = process.argv[2]!;
const told: Record<string, unknown> = {};
let tokens = 0;

const me = new PrivateClient(url, { token: async () => `token ${++tokens}` });

const chat = new ChatClient(url);
await chat.connected();

const received = new Promise<Message>((resolve) => chat.socket.once("message", resolve));
const input: PostMessage = { room: "nest", text: "hello", kind: "text" };
told["receipt"] = (await chat.message(input)).id;
const message = await received;
told["message"] = [message.text, message.kind, new Date(message.sentAt).getTime(), [...new Uint8Array(message.image as Uint8Array)]];

const joined = new Promise<[string, number]>((resolve) => chat.socket.once("joined", (room, members) => resolve([room, members])));
await chat.typing("nest");
told["joined"] = await joined;
const emptied = new Promise<void>((resolve) => chat.socket.once("emptied", resolve));
await chat.leave();
await emptied;
const page = await chat.list({ room: "nest" });
told["page"] = page.items.map((m) => m.room);
told["add"] = await chat.add(1, 2);
told["swap"] = await chat.swap(1, "x");
told["sum"] = await chat.sum([1, 2, 3]);
told["anything"] = await chat.anything([1, "two", null]);
told["none"] = (await chat.post(input)) === null;

const items: number[] = [];
told["streamed"] = (await chat.history({ room: "nest", limit: 3 }, (m) => items.push(m.id))).count;
told["items"] = items;

const failed = async (call: Promise<unknown>) => {
  try {
    return await call;
  } catch (error) {
    return error instanceof KachiError ? [error.code, error.message, error.pattern, error.fields.map((f) => f.path)] : String(error);
  }
};
told["invalid"] = await failed(chat.message({ room: "nest", text: "" }));
told["timeout"] = await failed(chat.slow({ timeout: 50 }));

// The server takes its time until it was asked twice, and that is one order.
const first = await chat.order({ slow: true }, { timeout: 200, retries: 40 });
told["order"] = [first, await chat.order({ id: "mine" }), await chat.order({ id: "mine" }), await chat.order({})];

// The same events without the class.
const socket: Socket<ChatServerToClientEvents, ChatClientToServerEvents> = io(url + "/chat", { forceNew: true });
const answer = await socket.emitWithAck("message", input);
told["typed"] = "status" in answer ? answer.code : answer.id;
const exception = new Promise<string>((resolve) => socket.once("exception", (e) => resolve(`${e.status} ${e.code}`)));
socket.emit("typing", 7 as unknown as string);
told["exception"] = await exception;
socket.disconnect();

// A client over a socket that somebody else looks after.
const lent = io(url + ChatClient.namespace, { forceNew: true, autoConnect: false });
const over = new ChatClient(lent);
const states = [over.status.state];
over.onStatus(({ state }) => states.push(state));
lent.connect();
told["over"] = await over.add(2, 3);
lent.disconnect();
told["overs"] = [...states, await failed(over.add(1, 1))];

const map = new MapIdClient(url, { id: 7 });
const moved = new Promise<unknown>((resolve) => map.socket.once("moved", resolve));
await map.move({ x: 1.5 });
told["moved"] = await moved;
map.close();
told["refused"] = await failed(map.move({}));

const stranger = new PrivateClient(url, { token: () => "mine", socket: { forceNew: true } });
told["stranger"] = await failed(stranger.connected());
told["name"] = await me.name();
await Promise.all([me.refreshToken(), me.refreshToken()]); // which is one
await me.refreshToken();
// The connection breaks while the server is at it: asked again over another one, it knows.
const lost = me.order({ slow: true });
await me.name();
me.socket.io.engine.close();
told["lost"] = [await lost, await me.order({})];
me.close();

const slow = failed(chat.slow());
await chat.add(0, 0);
chat.close();
told["closed"] = await slow;

console.log(JSON.stringify(told));

// What the compiler has to find wrong.
export function wrong(chat: ChatClient): void {
  // @ts-expect-error: no such kind
  void chat.message({ room: "nest", text: "hello", kind: "film" });
  // @ts-expect-error: the room is missing
  void chat.message({ text: "hello" });
  // @ts-expect-error: no such field
  void chat.message({ room: "nest", text: "hello", more: 1 });
  // @ts-expect-error: an event that is not sent
  chat.socket.on("messages", () => {});
  // @ts-expect-error: an event of another type
  chat.socket.on("message", (m: number) => m);
  // @ts-expect-error: two arguments
  void chat.add(1);
  // @ts-expect-error: nothing is answered
  void chat.leave().then((answer) => answer.id);
}
