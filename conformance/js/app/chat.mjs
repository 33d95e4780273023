// The namespace /chat, as a page would use it.
import { check, equal, given, next, ok, request, run, until } from "../examples/harness.mjs";

const people = Object.fromEntries(
  ["mina", "jun", "sora"].map((name) => [name, { auth: { token: given[name].token }, ...given[name] }]),
);
const { mina, jun, sora } = people;
const person = ({ id, name }) => ({ userId: id, userName: name });
const MINA = person(mina);
const JUN = person(jun);

async function open(by, name, secret = false) {
  const { status, body } = await request("POST", "/api/rooms", { token: by.token, body: { name, private: secret } });
  equal(status, 201);
  return body.id;
}

async function history(by, room, query = "") {
  const { status, body } = await request("GET", `/api/rooms/${room}/messages${query}`, { token: by.token });
  equal(status, 200);
  return body;
}

// settled waits until everything that was sent to the sockets before has arrived.
async function settled(...sockets) {
  await Promise.all(sockets.map((s) => s.emitWithAck("typing", { room: "1" })));
}

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  check(`a conversation over ${transports.join(", then ")}`, async (a) => {
    const nest = await open(mina, "둥지");
    const one = await a.connect("/chat", { auth: mina.auth, transports });
    equal(await one.emitWithAck("join", Number(nest)), { room: nest, members: [MINA], total: 1, seq: 0, seen: 0 });
    equal(one.heard.getUserList, [[{ room: nest, userList: [MINA], total: 1 }]]);
    equal(one.heard.userJoined, [[{ ...MINA, room: nest }]]);
    const two = await a.connect("/chat", { auth: jun.auth, transports });
    const came = next(one, "userJoined");
    equal((await two.emitWithAck("join", { room: nest })).members, [JUN, MINA]);
    equal(await came, [{ ...JUN, room: nest }]);

    const heard = next(two, "message");
    const text = "<img src=x onerror=alert(1)> 안녕 👋";
    const { id, sentAt, seq } = await one.emitWithAck("message", { room: nest, message: text, clientId: "a" });
    const message = [{ id, room: nest, seq, sender: MINA, message: text, sentAt, version: 1, clientId: "a" }];
    equal(await heard, message);
    equal(one.heard.message, [message]); // has come before the answer
    equal(seq, 1);
    ok(!Number.isNaN(Date.parse(sentAt)), sentAt);

    const edited = next(two, "messageEdited");
    await one.emitWithAck("edit", { id, message: "hello" });
    equal((await edited)[0].message, "hello");
    const seen = next(one, "seen");
    equal(await two.emitWithAck("seen", { room: nest, id }), { room: nest, unread: 0, seen: 1, seq: 1 });
    equal(await seen, [{ room: nest, userId: JUN.userId, id, seq: 1 }]);
    const typing = next(one, "typing");
    two.volatile.emit("typing", { room: nest });
    equal(await typing, [{ ...JUN, room: nest }]);
    const deleted = next(two, "messageDeleted");
    await one.emitWithAck("delete", { id });
    equal((await deleted)[0].message, "");

    const left = next(one, "userLeft");
    equal(await two.emitWithAck("exit", nest), { room: nest });
    equal(await left, [{ ...JUN, room: nest }]);
    await settled(one, two);
    equal([one.heard.message.length, two.heard.userLeft], [1, undefined]);
  });
}

check("nobody is admitted without a token", async (a) => {
  for (const auth of [undefined, {}, { token: "x" }, { token: 7 }]) {
    equal((await a.refused("/chat", { auth })).data.code, "unauthorized");
  }
});

check("a tab that is closed is no longer present, and still a member", async (a) => {
  const nest = await open(mina, "nest");
  const one = await a.connect("/chat", mina);
  await one.emitWithAck("join", nest);
  const two = await a.connect("/chat", jun);
  await two.emitWithAck("join", nest);
  const left = next(one, "userLeft");
  two.io.engine.close(); // as the browser does
  equal(await left, [{ ...JUN, room: nest }]);
  await one.emitWithAck("message", { room: nest, message: "are you there?" });
  const { body } = await request("GET", `/api/rooms/${nest}`, { token: jun.token });
  equal([body.member, body.unread, body.lastMessage.message], [true, 1, "are you there?"]);
});

check("two tabs are one person, and no list has a socket's id", async (a) => {
  const nest = await open(mina, "nest");
  const one = await a.connect("/chat", mina);
  await one.emitWithAck("join", nest);
  const tabs = [await a.connect("/chat", jun), await a.connect("/chat", jun)];
  for (const tab of tabs) {
    const { members, total } = await tab.emitWithAck("join", nest);
    equal([members, total], [[JUN, MINA], 2]);
    await until(() => tab.heard.getUserList, "the list");
  }
  const third = await a.connect("/chat", sora);
  const ids = [one, ...tabs, third].map(({ id }) => id);
  tabs[0].disconnect();
  await third.emitWithAck("join", nest);
  await settled(one);
  equal(one.heard.userJoined.map(([who]) => who.userName), ["Mina", "Jun", "Sora"]);
  equal([one.heard.userLeft, one.heard.getUserList.length], [undefined, 1]);
  const left = next(one, "userLeft");
  tabs[1].disconnect();
  equal(await left, [{ ...JUN, room: nest }]);
  const told = JSON.stringify([one, ...tabs, third].map((s) => s.heard));
  for (const id of ids) ok(!told.includes(id), "a socket's id");
});

// What a page does: it sends again what it has no answer for, with the same clientId, and
// asks the API for what it has missed.
check("a message that is sent again over a new connection is stored and told once", async (a) => {
  const nest = await open(mina, "nest");
  const reader = await a.connect("/chat", mina);
  await reader.emitWithAck("join", nest);
  const writer = await a.connect("/chat", { auth: jun.auth, reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  await writer.emitWithAck("join", nest);
  writer.on("connect", () => writer.emit("join", nest));
  const post = async (text) => {
    for (;;) {
      try {
        const answer = await writer.timeout(500).emitWithAck("message", { room: nest, message: text, clientId: text });
        if (answer.id) return answer;
      } catch {
        // once more
      }
    }
  };
  const receipts = [];
  for (let i = 0; i < 20; i++) {
    const answer = post(`message ${i}`);
    if (i % 3 === 0) writer.io.engine.close(); // perhaps before it was sent, perhaps before the answer
    receipts.push(await answer);
  }
  await until(() => reader.heard.message?.length >= 20, "all messages");
  await settled(reader);
  equal(reader.heard.message.map(([m]) => [m.seq, m.message]), receipts.map((r, i) => [i + 1, `message ${i}`]));
  equal((await history(jun, nest)).messages.map((m) => m.id), receipts.map((r) => r.id));
  const { messages } = await history(jun, nest, `?after=${receipts[16].id}`);
  equal(messages.map((m) => m.seq), [18, 19, 20]);
});

check("who signs out everywhere is sent away, and stays outside with the old token", async (a) => {
  const { status, body } = await request("POST", "/api/auth/register", { body: { name: "hana", password: "correct horse battery" } });
  equal(status, 201);
  const auth = { token: body.accessToken };
  const bystander = await a.connect("/chat", mina);
  const devices = [await a.connect("/chat", { auth, reconnection: true }), await a.connect("/chat", { auth, reconnection: true })];
  const ends = Promise.all(devices.map(async (device) => {
    const why = next(device, "exception");
    const [reason] = await next(device, "disconnect");
    const [{ code, details }] = await why;
    return [code, details.reason, reason, device.active]; // active: it would come back by itself
  }));
  equal((await request("POST", "/api/auth/logout-everywhere", { token: auth.token })).status, 204);
  const end = ["unauthorized", "revoked", "io server disconnect", false];
  equal(await ends, [end, end]);
  equal((await a.refused("/chat", { auth })).data.details.reason, "revoked");
  await settled(bystander);
  ok(bystander.connected, "somebody else's socket");
});

check("private rooms are for those who were invited", async (a) => {
  const attic = await open(mina, "attic", true);
  const [one, two, spy] = [await a.connect("/chat", mina), await a.connect("/chat", jun), await a.connect("/chat", sora)];
  await one.emitWithAck("join", attic);
  for (const room of [attic, Number(attic), { room: attic }]) {
    equal((await spy.emitWithAck("join", room)).code, "not_found");
  }
  equal((await spy.emitWithAck("join", one.id)).code, "bad_request");
  const invited = next(two, "invited");
  equal((await request("POST", `/api/rooms/${attic}/members`, { token: mina.token, body: { userId: jun.id } })).status, 204);
  equal(await invited, [{ room: attic, name: "attic", private: true, by: MINA }]);
  equal((await two.emitWithAck("join", attic)).total, 2);
  await one.emitWithAck("message", { room: attic, message: "a secret" });
  const removed = next(two, "removed");
  const { status } = await request("DELETE", `/api/rooms/${attic}/members/${jun.id}`, { token: mina.token });
  equal(status, 204);
  equal(await removed, [{ room: attic, name: "attic", private: true, reason: "excluded" }]);
  await one.emitWithAck("message", { room: attic, message: "another" });
  await settled(two, spy);
  equal(two.heard.message.length, 1);
  equal(Object.keys(spy.heard), []);
});

await run();
