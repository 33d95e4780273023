import { check, collect, equal, given, next, ok, request, run, until } from "./harness.mjs";

const [mina, jun] = [{ token: given.mina }, { token: given.jun }];

// heard waits until everything that was sent to the sockets before has arrived.
async function settled(...sockets) {
  await Promise.all(sockets.map((s) => s.emitWithAck("events", "settled")));
}

check("events comes back", async (a) => {
  const socket = await a.connect("/");
  equal(await socket.emitWithAck("events", "hello"), "hello");
});

check("chatToServer reaches everybody, the sender too", async (a) => {
  const [one, other] = [await a.connect("/"), await a.connect("/", { auth: jun })];
  one.emit("chatToServer", "hi all");
  equal(await next(other, "chatToClient"), ["hi all"]);
  await until(() => one.heard.chatToClient, "its own");
  equal(one.heard.chatToClient, [["hi all"]]);
});

check("sendMessage says who wrote, and never by a socket's id", async (a) => {
  const [known, guest] = [await a.connect("/", { auth: mina }), await a.connect("/")];
  known.emit("sendMessage", "from Mina");
  equal(await next(guest, "newMessage"), [{ text: "from Mina", userId: "1" }]);
  guest.emit("sendMessage", "from a guest");
  await until(() => known.heard.newMessage?.length === 2, "the guest's");
  const [{ text, userId }] = known.heard.newMessage[1];
  equal(text, "from a guest");
  ok(userId.startsWith("guest-") && userId !== guest.id, userId);
});

check("rooms: joined by an event, heard by members alone", async (a) => {
  const [one, two, three] = [await a.connect("/chat"), await a.connect("/chat"), await a.connect("/chat")];
  for (const socket of [one, two]) {
    const joined = next(socket, "joinedRoom");
    equal(await socket.emitWithAck("joinRoom", "nest"), undefined);
    equal(await joined, ["nest"]);
  }
  const told = next(two, "chatToClient");
  one.emit("chatToRoom", { room: "nest", message: "eggs" });
  equal(await told, ["eggs"]);
  equal((await three.emitWithAck("chatToRoom", { room: "nest", message: "me too" })).code, "forbidden");
  await one.emitWithAck("joinRoom", "elsewhere");
  equal(one.heard.chatToClient, [["eggs"]]);
  equal(three.heard, {});
});

check("a wrong token is refused at the handshake, in every namespace", async (a) => {
  for (const namespace of ["/", "/chat", "/secure"]) {
    const error = await a.refused(namespace, { auth: { token: "anything" } });
    equal(error.data.code, "unauthorized");
  }
  equal((await a.refused("/secure")).data.code, "unauthorized");
});

check("joinRoom never joins another socket's own room", async (a) => {
  const [victim, spy] = [await a.connect("/chat"), await a.connect("/chat")];
  await spy.emitWithAck("joinRoom", victim.id);
  const told = next(victim, "joinedRoom"); // which the server sends to the victim's own room
  await victim.emitWithAck("joinRoom", "own");
  await told;
  await spy.emitWithAck("joinRoom", "settled");
  equal(spy.heard, { joinedRoom: [[victim.id], ["settled"]] });
  equal((await victim.emitWithAck("chatToRoom", { room: spy.id, message: "x" })).code, "forbidden");
});

check("notifications reach the user, on every device", async (a) => {
  const devices = [await a.connect("/", { auth: mina }), await a.connect("/", { auth: mina })];
  await devices[0].emitWithAck("subscribeToNotifications", "1");
  await devices[1].emitWithAck("subscribeToNotifications");
  const told = Promise.all(devices.map((d) => next(d, "notification")));
  const { status } = await request("POST", "/notifications/1", { token: given.service, body: { title: "eggs", n: [1] } });
  equal(status, 202);
  equal(await told, [[{ title: "eggs", n: [1] }], [{ title: "eggs", n: [1] }]]);
});

check("nobody subscribes to another user's notifications", async (a) => {
  const [spy, guest] = [await a.connect("/", { auth: jun }), await a.connect("/")];
  equal((await spy.emitWithAck("subscribeToNotifications", "1")).code, "forbidden");
  equal((await guest.emitWithAck("subscribeToNotifications", "1")).code, "unauthorized");
  equal((await request("POST", "/notifications/1", { token: given.service, body: "secret" })).status, 202);
  equal((await request("POST", "/notifications/1", { token: given.jun, body: "forged" })).status, 401);
  await settled(spy, guest);
  equal([spy.heard.notification, guest.heard.notification], [undefined, undefined]);
});

check("updateData: every client gets one copy", async (a) => {
  const editor = await a.connect("/secure", { auth: mina });
  const readers = [await a.connect("/"), await a.connect("/", { auth: jun })];
  equal(await editor.emitWithAck("updateData", { price: 10 }), undefined);
  equal(await editor.emitWithAck("updateData", { price: 11 }), undefined);
  await settled(...readers);
  for (const reader of readers) equal(reader.heard.dataUpdated, [[{ price: 10 }], [{ price: 11 }]]);
});

check("two servers are one to their clients, and each is told once", async (a) => {
  const there = { url: given.other };
  const [one, two] = [await a.connect("/"), await a.connect("/", there)];
  one.emit("chatToServer", "hello over there");
  equal(await next(two, "chatToClient"), ["hello over there"]);
  const editor = await a.connect("/secure", { auth: mina, ...there });
  for (const price of [1, 2]) await editor.emitWithAck("updateData", { price });
  for (const socket of [one, two]) await until(() => socket.heard.dataUpdated?.length >= 2, "the data");
  await editor.emitWithAck("updateData", { price: 3 }); // behind a second copy
  for (const socket of [one, two]) {
    await until(() => socket.heard.dataUpdated.some(([d]) => d.price === 3), "the last of the data");
    equal(socket.heard.dataUpdated, [[{ price: 1 }], [{ price: 2 }], [{ price: 3 }]]);
  }
  await until(() => one.heard.chatToClient, "its own");
  equal([one.heard.chatToClient, two.heard.chatToClient], [[["hello over there"]], [["hello over there"]]]);
  const [here, away] = [await a.connect("/chat"), await a.connect("/chat", there)];
  for (const socket of [here, away]) await socket.emitWithAck("joinRoom", "bridge");
  const told = next(away, "chatToClient");
  here.emit("chatToRoom", { room: "bridge", message: "from bank to bank" });
  equal(await told, ["from bank to bank"]);
});

check("each server tells its own viewers its own figures", async (a) => {
  const viewers = [await a.connect("/"), await a.connect("/"), await a.connect("/", { url: given.other })];
  for (const [viewer, clients] of [[viewers[0], 2], [viewers[2], 1]]) {
    const updates = collect(viewer, "dashboardUpdate");
    await until(() => updates.some(([u]) => u.clients === clients), "those of other checks have left");
    updates.length = 0;
    await until(() => updates.length >= 6, "six updates");
    equal(updates.map(([u]) => u.clients), updates.map(() => clients));
  }
});

check("dashboardUpdate comes again and again", async (a) => {
  const socket = await a.connect("/");
  const updates = collect(socket, "dashboardUpdate");
  await until(() => updates.length >= 3, "three updates");
  ok(updates[0][0].clients >= 1 && Date.parse(updates[0][0].at) > 0, JSON.stringify(updates[0]));
});

check("texts have a type, a size and a rate", async (a) => {
  const [one, other] = [await a.connect("/"), await a.connect("/")];
  const long = await one.emitWithAck("chatToServer", "x".repeat(501));
  equal([long.code, long.details[0].rule], ["invalid", "max"]);
  equal((await one.emitWithAck("chatToServer", { not: "text" })).code, "bad_request");
  equal((await one.emitWithAck("sendMessage", "")).code, "invalid");
  const answers = await Promise.all(Array.from({ length: 150 }, () => one.emitWithAck("events", "flood")));
  ok(answers.some((answer) => answer.code === "rate_limited"), "no limit");
  await settled(other);
  equal(other.heard.chatToClient, undefined);
});

run();
