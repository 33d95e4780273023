import { check, equal, given, next, ok, run, until } from "./harness.mjs";

// Mina, Jun and Sora are users 1 to 3, all members of room 1; Mina alone is one of room 2.
const [mina, jun, sora] = ["mina", "jun", "sora"].map((name) => ({ auth: { token: given[name] } }));
const MINA = { userId: 1, userName: "Mina" };
const JUN = { userId: 2, userName: "Jun" };

// settled waits until everything that was sent to the sockets before has arrived.
async function settled(...sockets) {
  await Promise.all(sockets.map((s) => s.emitWithAck("exit", 999)));
}

// alone waits until the server has noticed that the other users have left.
async function alone(a, user, who) {
  await until(async () => {
    const socket = a.socket("/chat", who);
    const [{ userList }] = await next(socket, "getUserList");
    socket.disconnect();
    return userList.length === 1 && userList[0].userId === user.userId;
  }, "the others' end");
}

check("join, message, exit", async (a) => {
  const [one, two] = [await a.connect("/chat", mina), await a.connect("/chat", jun)];
  equal(await one.emitWithAck("join", 1), undefined);
  equal(one.heard.userJoined, [[{ userName: "Mina", room: "1" }]]);
  const came = next(one, "userJoined");
  await two.emitWithAck("join", 1);
  equal(await came, [{ userName: "Jun", room: "1" }]);
  await two.emitWithAck("join", 1); // is there already
  const said = Promise.all([next(one, "message"), next(two, "message")]);
  equal(await one.emitWithAck("message", { message: "hello", room: 1 }), undefined);
  equal(await said, [[{ sender: MINA, message: "hello" }], [{ sender: MINA, message: "hello" }]]);
  const left = next(one, "userLeft");
  equal(await two.emitWithAck("exit", "1"), undefined);
  equal(await left, [{ userName: "Jun", room: "1" }]);
  await two.emitWithAck("exit", "1"); // is not there any more
  await settled(one);
  equal([one.heard.userJoined.length, one.heard.userLeft.length, two.heard.userLeft], [2, 1, undefined]);
});

check("a failed authentication leaves no socket behind", async (a) => {
  for (const [token, reason] of [
    [undefined, "missing"], ["garbage", "malformed"], [given.expired, "expired"], [given.forged, "signature"],
  ]) {
    const error = await a.refused("/chat", { auth: { token } });
    equal([error.data.code, error.data.details.reason], ["unauthorized", reason]);
  }
  equal((await a.refused("/chat", { auth: { token: given.unknown } })).data.code, "unauthorized"); // no null user
  const socket = await a.connect("/chat", mina); // the server lives
  ok(socket.connected, "connected");
});

check("userLeft is sent when a client disconnects", async (a) => {
  const [one, two] = [await a.connect("/chat", mina), await a.connect("/chat", jun)];
  await one.emitWithAck("join", 1);
  await two.emitWithAck("join", 1);
  const left = next(one, "userLeft");
  two.disconnect();
  equal(await left, [{ userName: "Jun", room: "1" }]);
});

check("a token in the query string is not taken", async (a) => {
  equal((await a.refused("/chat", { query: { token: given.mina } })).data.details.reason, "missing");
});

check("headers and cookies of the handshake can be read", async (a) => {
  for (const extraHeaders of [{ Authorization: `Bearer ${given.mina}` }, { Cookie: `other=1; token=${given.mina}` }]) {
    for (const transports of [["polling"], ["websocket"]]) {
      const socket = a.socket("/chat", { extraHeaders, transports });
      const [{ userList }] = await next(socket, "getUserList");
      ok(userList.some((u) => u.userId === 1), JSON.stringify(userList));
    }
  }
});

check("the user list has no socket ids, changes are told by themselves, and several tabs are one user", async (a) => {
  await alone(a, MINA, mina);
  const first = a.socket("/chat", mina);
  equal(await next(first, "getUserList"), [{ userList: [MINA] }]);
  const came = next(first, "userOnline");
  const tab = a.socket("/chat", jun);
  equal(await next(tab, "getUserList"), [{ userList: [MINA, JUN] }]);
  equal(await came, [JUN]);
  const other = a.socket("/chat", jun);
  equal(await next(other, "getUserList"), [{ userList: [MINA, JUN] }]);
  for (const socket of [tab, other]) await socket.emitWithAck("join", 1);
  await first.emitWithAck("join", 1);
  const ids = [tab.id, other.id];
  other.disconnect();
  const third = a.socket("/chat", sora); // behind the end of the tab
  equal(await next(third, "getUserList"), [{ userList: [MINA, JUN, { userId: 3, userName: "Sora" }] }]);
  const gone = next(first, "userOffline");
  tab.disconnect();
  equal(await gone, [JUN]);
  equal(first.heard.userLeft, [[{ userName: "Jun", room: "1" }]]); // once, for two tabs
  equal(first.heard.getUserList.length, 1); // the others got what has changed
  for (const id of ids) ok(!JSON.stringify([first.heard, third.heard]).includes(id), "a socket's id");
});

check("a room is a number or a string in every event, and userName is spelled right", async (a) => {
  const socket = await a.connect("/chat", mina);
  for (const room of [1, "1"]) {
    await socket.emitWithAck("join", room);
    equal(socket.heard.userJoined.pop(), [{ userName: "Mina", room: "1" }]);
    equal(await socket.emitWithAck("message", { message: "x", room }), undefined);
    await socket.emitWithAck("exit", room);
    equal((await socket.emitWithAck("message", { message: "x", room })).code, "forbidden");
  }
});

check("members alone join a room, whatever others call it", async (a) => {
  const [victim, spy] = [await a.connect("/chat", mina), await a.connect("/chat", jun)];
  await victim.emitWithAck("join", 2);
  equal((await spy.emitWithAck("join", 2)).code, "forbidden");
  for (const room of [victim.id, "room:2", "", " 2", "02", -2, 2.0e21, { a: 1 }, null]) {
    const { code } = await spy.emitWithAck("join", room);
    ok(["bad_request", "invalid", "forbidden"].includes(code), `${JSON.stringify(room)}: ${code}`);
  }
  equal((await spy.emitWithAck("message", { message: "me", room: 2 })).code, "forbidden");
  await victim.emitWithAck("message", { message: "secret", room: 2 });
  await settled(spy);
  equal(spy.heard.message, undefined);
});

check("messages have a size", async (a) => {
  const socket = await a.connect("/chat", mina);
  await socket.emitWithAck("join", 1);
  for (const message of ["", "x".repeat(2001)]) {
    equal((await socket.emitWithAck("message", { message, room: 1 })).code, "invalid");
  }
});

run();
