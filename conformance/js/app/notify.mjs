// Notifications and the dashboard, as a page with socket.io-client meets them.
import { check, equal, given, next, ok, request, run } from "../examples/harness.mjs";

const auth = (token) => ({ auth: { token } });
const send = (body, token = given.service) => request("POST", "/api/notifications", { token, body });

check("notifications reach every device, and who is away finds them", async (a) => {
  const devices = [await a.connect("/notifications", auth(given.mina)), await a.connect("/notifications", auth(given.mina))];
  const { unread, version } = await devices[0].emitWithAck("subscribeToNotifications", given.minaId);
  equal(await devices[1].emitWithAck("subscribeToNotifications"), { unread, version });
  const told = Promise.all(devices.map((d) => next(d, "notification")));
  const answer = await send({ userId: given.minaId, title: "eggs", body: "in the nest", data: { n: [1] } });
  equal(answer.status, 202);
  for (const [n] of await told) {
    const { createdAt, ...rest } = n;
    ok(!Number.isNaN(Date.parse(createdAt)), createdAt);
    equal(rest, { id: answer.body.ids[0], title: "eggs", body: "in the nest", data: { n: [1] }, unread: unread + 1, version: version + 1 });
  }
  for (const d of devices) d.disconnect();
  equal((await send([{ userId: Number(given.minaId), title: "t", body: "b" }])).status, 202);
  const back = await a.connect("/notifications", auth(given.mina));
  equal(await back.emitWithAck("subscribeToNotifications", null), { unread: unread + 2, version: version + 2 });
  const { body } = await request("GET", "/api/notifications?limit=1", { token: given.mina });
  equal([body.notifications[0].title, body.unread, body.next !== null], ["t", unread + 2, true]);
});

check("what is read on one device is told to the others", async (a) => {
  const [phone, laptop] = [await a.connect("/notifications", auth(given.mina)), await a.connect("/notifications", auth(given.mina))];
  for (const d of [phone, laptop]) await d.emitWithAck("subscribeToNotifications");
  const [id] = (await send({ userId: given.minaId, title: "t", body: "b" })).body.ids;
  const told = Promise.all([next(laptop, "read"), next(laptop, "unread")]);
  const state = await phone.emitWithAck("read", { id });
  const [[read], [unread]] = await told;
  equal([read.ids, unread], [[id], state]);
  equal((await phone.emitWithAck("read", { all: true })).unread, 0);
  equal(phone.heard.read, undefined);
});

check("nobody subscribes to another user's notifications", async (a) => {
  const spy = await a.connect("/notifications", auth(given.jun));
  equal((await spy.emitWithAck("subscribeToNotifications", given.minaId)).code, "forbidden");
  equal((await send({ userId: given.minaId, title: "secret", body: "b" })).status, 202);
  await spy.emitWithAck("subscribeToNotifications", given.junId);
  equal(spy.heard.notification, undefined);
  equal((await a.refused("/notifications")).data.code, "unauthorized");
  equal((await send({ userId: given.minaId, title: "forged", body: "b" }, given.jun)).status, 401);
  const unknown = await send([{ userId: given.minaId, title: "t", body: "b" }, { userId: "999", title: "t", body: "b" }]);
  equal([unknown.status, unknown.body.code, unknown.body.details[0].path], [404, "not_found", "[1].userId"]);
});

check("the dashboard tells at once, and again", async (a) => {
  const socket = a.socket("/dashboard", auth(given.jun));
  const [first] = await next(socket, "dashboardUpdate");
  ok(first.connections.websocket + first.connections.polling > 0, first.connections);
  ok(first.node && first.version === "test" && first.goroutines > 0, first);
  const { points, interval } = await socket.emitWithAck("history");
  equal([interval, points.at(-1).at], [5, first.at]);
  const [second] = await next(socket, "dashboardUpdate");
  ok(Date.parse(second.at) > Date.parse(first.at) && second.totals.messagesIn > 0, second);
  ok(second.namespaces.some((n) => n.name === "/dashboard" && n.sockets === 1), second.namespaces);
  equal((await a.refused("/dashboard")).data.code, "unauthorized");
});

await run();
