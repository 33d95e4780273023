// The server's contract, as who has only read what there is to call would try it: each call and
// each event with its fields, statuses and headers, over HTTP and socket.io-client. What lies
// behind a row (races, bad days, bounds) is tested where the part is.
import { createHmac } from "node:crypto";
import { check, equal, given, next, ok, run, until } from "../examples/harness.mjs";

// Shapes: a function says whether a value fits, an object names fields that must be there.
const id = (v) => typeof v === "string" && /^[1-9][0-9]{0,18}$/.test(v);
const time = (v) => typeof v === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(v) && !Number.isNaN(Date.parse(v));
const string = (v) => typeof v === "string" && v !== "";
const number = (v) => typeof v === "number";
const list = (shape) => (v) => Array.isArray(v) && v.every((one) => !fault(one, shape));

function fault(value, shape, path = "") {
  if (typeof shape === "function") return shape(value) ? "" : `${path || "it"} does not fit: ${JSON.stringify(value)}`;
  if (typeof shape !== "object" || shape === null) return value === shape ? "" : `${path || "it"} is ${JSON.stringify(value)}, not ${JSON.stringify(shape)}`;
  if (typeof value !== "object" || value === null) return `${path || "it"} is ${JSON.stringify(value)}`;
  if (Array.isArray(shape) && value.length !== shape.length) return `${path} has ${value.length} elements`;
  for (const [name, inner] of Object.entries(shape)) {
    const found = fault(value[name], inner, path ? `${path}.${name}` : name);
    if (found) return found;
  }
  return "";
}

function fits(value, shape, about = "") {
  const found = fault(value, shape);
  ok(!found, `${about}: ${found}\n got: ${JSON.stringify(value)}`);
}

const failure = (code, pattern = string) => ({ status: "error", code, message: string, cause: { pattern } });

// call asks the server for something over HTTP.
async function call(method, path, { token, body, raw, type = "application/json", headers = {}, at = given.url } = {}) {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(at + path, {
    method,
    redirect: "manual",
    headers: { ...(text === undefined ? {} : { "Content-Type": type }), ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
    body: text,
  });
  const answer = await response.text();
  const json = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(answer) : answer };
}

// expect is call for an answer of that status and shape.
async function expect(method, path, options, status, shape) {
  const answer = await call(method, path, options);
  equal(answer.status, status, `${method} ${path} ${JSON.stringify(options)}: ${JSON.stringify(answer.body)}`);
  if (shape) fits(answer.body, shape, `${method} ${path}`);
  return answer;
}

const password = "correct horse battery";
const signedIn = { user: { id, name: string }, accessToken: string, expiresAt: time };

async function person(word = "someone") {
  const name = `${word}-${crypto.randomUUID()}`; // as tests make names
  const { body } = await expect("POST", "/api/auth/register", { body: { name, password } }, 201, signedIn);
  return { id: body.user.id, name, token: body.accessToken, auth: { token: body.accessToken }, as: { userId: body.user.id, userName: name } };
}

const room = async (by, more = {}) => (await expect("POST", "/api/rooms", { token: by.token, body: { name: "nest", ...more } }, 201)).body.id;
const point = (...coordinates) => ({ type: "Point", coordinates });
const place = async (by) =>
  (await expect("PUT", "/api/location", { token: by.token, body: { geometry: point(127, 37.5) } }, 201)).body.data.updatedLocationResult.id;

// The first account is an administrator's, who may see more than others: nobody of the tests.
await person("root");
const [mina, jun, sora] = [await person("mina"), await person("jun"), await person("sora")];

check("accounts: register, login, refresh, logout, me", async () => {
  const name = `mina ${crypto.randomUUID()}`;
  const made = await expect("POST", "/api/auth/register", { body: { name, password } }, 201, { ...signedIn, user: { id, name } });
  await expect("POST", "/api/auth/register", { body: { name, password } }, 409, failure("conflict"));
  const came = await expect("POST", "/api/auth/login", { body: { name, password } }, 200, { ...signedIn, user: { id: made.body.user.id, name } });
  const jar = ({ headers }) => Object.fromEntries(headers.getSetCookie().map((c) => [c.slice(0, c.indexOf("=")), c]));
  for (const [answer, status] of [[made, 201], [came, 200]]) {
    equal(answer.status, status);
    const refresh = jar(answer).kachi_refresh ?? "";
    for (const attribute of ["HttpOnly", "SameSite=Strict", "Path=/api/auth", "Expires="]) ok(refresh.includes(attribute), refresh);
    ok(!refresh.includes("Secure"), "over plain HTTP a browser would drop it");
    ok(!JSON.stringify(answer.body).includes("efresh"), "the refresh token is in the cookie alone");
  }
  const cookie = (answer) => answer.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
  const again = await expect("POST", "/api/auth/refresh", { headers: { Cookie: cookie(came) } }, 200, signedIn);
  ok(jar(again).kachi_refresh !== jar(came).kachi_refresh, "a refresh token is good once");
  await expect("GET", "/api/me", { token: again.body.accessToken }, 200, { id: made.body.user.id, name });
  await expect("GET", "/api/me", { headers: { Cookie: cookie(again) } }, 200, { name });
  const gone = await expect("POST", "/api/auth/logout", { headers: { Cookie: cookie(again) } }, 204, "");
  ok(gone.headers.getSetCookie().every((c) => c.includes("Max-Age=0")), gone.headers.getSetCookie());
  await expect("GET", "/api/me", { token: again.body.accessToken }, 401, failure("unauthorized"));
  await expect("POST", "/api/auth/refresh", { headers: { Cookie: cookie(again) } }, 401, failure("unauthorized"));
  await expect("POST", "/api/auth/login", { body: { name, password: "wrong password" } }, 401, failure("unauthorized"));
});

check("rooms, messages and members over HTTP", async (a) => {
  const made = await expect("POST", "/api/rooms", { token: mina.token, body: { name: "nest", private: true } }, 201,
    { id, name: "nest", private: true, ownerId: mina.id, createdAt: time });
  const nest = made.body.id;
  equal(made.headers.get("location"), `/api/rooms/${nest}`);
  const rooms = { rooms: list({ id, name: string, private: (v) => typeof v === "boolean" }) };
  const ids = async (who) => (await expect("GET", "/api/rooms", { token: who.token }, 200, rooms)).body.rooms.map((r) => r.id);
  ok((await ids(mina)).includes(nest) && !(await ids(jun)).includes(nest), "a private room is its members' alone");
  await expect("GET", `/api/rooms/${nest}/messages`, { token: jun.token }, 404, failure("not_found"));
  for (const [userId, status] of [[jun.id, 204], [Number(sora.id), 204]]) {
    await expect("POST", `/api/rooms/${nest}/members`, { token: mina.token, body: { userId } }, status, "");
  }
  ok((await ids(jun)).includes(nest));
  const writer = await a.connect("/chat", mina);
  await writer.emitWithAck("join", nest);
  const sent = [];
  for (let i = 1; i <= 5; i++) sent.push((await writer.emitWithAck("message", { room: nest, message: `m${i}` })).id);
  const page = async (query) => {
    const shape = { messages: list({ id, room: nest, sender: mina.as, message: string, sentAt: time }), next: (v) => v === null || string(v) };
    return (await expect("GET", `/api/rooms/${nest}/messages${query}`, { token: jun.token }, 200, shape)).body;
  };
  const all = await page("?before=&limit="); // as the contract has it, filled in with nothing
  equal([all.messages.map((m) => m.id), all.next], [sent, null]);
  const newest = await page("?limit=2");
  equal(newest.messages.map((m) => m.message), ["m4", "m5"]);
  const older = await page(`?before=${newest.next}&limit=2`);
  equal(older.messages.map((m) => m.message), ["m2", "m3"]);
  equal((await page(`?before=${older.next}&limit=2`)).next, null);
});

check("/chat: each event", async (a) => {
  const nest = await room(mina);
  const one = await a.connect("/chat", mina);
  const joined = await one.emitWithAck("join", Number(nest)); // a number
  fits(joined, { room: nest, members: [mina.as] });
  fits(one.heard.getUserList, [[{ userList: [mina.as] }]]);
  equal(one.heard.userJoined, [[{ ...mina.as, room: nest }]], "who came is told as well");
  const two = await a.connect("/chat", jun);
  const came = next(one, "userJoined");
  equal((await two.emitWithAck("join", { room: nest })).members.length, 2);
  equal(await came, [{ ...jun.as, room: nest }]);
  const three = await a.connect("/chat", sora);
  fits(await three.emitWithAck("join", nest), { room: nest }); // a string

  const heard = next(two, "message");
  const receipt = await one.emitWithAck("message", { room: Number(nest), message: "안녕", clientId: "a" });
  fits(receipt, { id, sentAt: time });
  const message = { id: receipt.id, room: nest, sender: mina.as, message: "안녕", sentAt: receipt.sentAt, clientId: "a" };
  fits(await heard, [message]);
  fits(one.heard.message, [[message]], "whoever writes hears it, too, before the answer");
  equal(await one.emitWithAck("message", { room: nest, message: "안녕", clientId: "a" }), receipt, "again, and once");
  for (const [event, changed, text] of [["edit", "messageEdited", "hello"], ["delete", "messageDeleted", ""]]) {
    const told = [next(one, changed), next(two, changed)];
    const as = event === "edit" ? Number(receipt.id) : receipt.id;
    ok(!(await one.emitWithAck(event, { id: as, ...(text && { message: text }) })).code, event);
    for (const [m] of await Promise.all(told)) fits(m, { id: receipt.id, room: nest, sender: mina.as, message: text });
  }
  const typing = next(one, "typing");
  two.emit("typing", { room: Number(nest) });
  equal(await typing, [{ ...jun.as, room: nest }]);
  ok(!(await two.emitWithAck("seen", { room: Number(nest), id: Number(receipt.id) })).code);
  let left = next(one, "userLeft");
  ok(!(await two.emitWithAck("exit", Number(nest))).code);
  equal(await left, [{ ...jun.as, room: nest }]);
  left = next(one, "userLeft");
  three.disconnect();
  equal(await left, [{ ...sora.as, room: nest }]);
  equal([one.heard.message.length, one.heard.exception], [1, undefined]);
});

check("/location: each call and event", async (a) => {
  const body = { name: "truck", geometry: point(127, 37.5) };
  const shape = (status, version) => ({ status, data: { updatedLocationResult: { id, name: "truck", ownerId: mina.id, geometry: body.geometry, updatedAt: time, version } } });
  const made = await expect("PUT", "/api/location", { token: mina.token, body }, 201, shape(201, 1));
  const at = made.body.data.updatedLocationResult.id;
  equal([made.headers.get("etag"), made.headers.get("location")], ['"1"', `/api/location/${at}`]);
  await expect("PUT", "/api/location", { token: mina.token, body: { ...body, id: Number(at) } }, 200, shape(200, 2));
  await expect("PUT", "/api/location", { token: jun.token, body: { ...body, id: at } }, 404, failure("not_found"));
  const feature = { type: "Feature", id: at, geometry: body.geometry, properties: { name: "truck", ownerId: mina.id, updatedAt: time, version: 2 } };
  const got = await expect("GET", `/api/location/${at}`, { token: mina.token }, 200, feature);
  ok(got.headers.get("content-type").startsWith("application/geo+json") && got.headers.get("etag") === '"2"');
  await expect("GET", `/api/location/${at}`, { token: jun.token }, 404, failure("not_found"));
  const watcher = await a.connect("/location", jun);
  fits(await watcher.emitWithAck("join_room", { locationId: at }), failure("not_found", "join_room"));
  await expect("POST", `/api/location/${at}/watchers`, { token: mina.token, body: { userId: Number(jun.id) } }, 204, "");
  for (const query of ["bbox=126,37,128,38", "near=127.01,37.5&radius=2000"]) {
    const { body: all } = await expect("GET", `/api/location?${query}`, { token: jun.token }, 200, { type: "FeatureCollection", features: list({ ...feature, id }) });
    ok(all.features.some((f) => f.id === at), query);
  }
  for (const query of ["bbox=0,0,1,1", "near=0,0&radius=10"]) {
    fits((await expect("GET", `/api/location?${query}`, { token: jun.token }, 200)).body.features, [], query);
  }
  for (const query of ["bbox=1,2,3", "near=1,2", "near=x&radius=1", "bbox=0,0,1,1&near=0,0&radius=1"]) {
    await expect("GET", `/api/location?${query}`, { token: jun.token }, 400, failure("invalid"));
  }
  for (const locationId of [Number(at), at]) {
    const position = next(watcher, "chat"); // follows
    equal(await watcher.emitWithAck("join_room", { locationId, userId: Number(jun.id) }), at);
    fits(await position, [{ userId: mina.id, message: { id: at, geometry: body.geometry, version: 2 }, roomName: at }]);
  }
  const moved = next(watcher, "chat");
  await expect("PUT", "/api/location", { token: mina.token, body: { id: at, geometry: point(1, 2) } }, 200);
  fits(await moved, [{ userId: mina.id, message: { id: at, name: "truck", ownerId: mina.id, geometry: point(1, 2), updatedAt: time, version: 3 }, roomName: at }]);
  fits(await watcher.emitWithAck("join_room", { locationId: at, userId: mina.id }), failure("forbidden", "join_room"), "in another's name");
  fits(await watcher.emitWithAck("chat", { userId: mina.id, message: {}, roomName: at }), failure("not_found", "chat"), "positions come by HTTP");
});

check("/notifications: each call and event", async (a) => {
  const who = await person("reader");
  const device = await a.connect("/notifications", who);
  fits(await device.emitWithAck("subscribeToNotifications"), { unread: 0 });
  for (const own of [who.id, Number(who.id), null]) fits(await device.emitWithAck("subscribeToNotifications", own), { unread: 0 });
  fits(await device.emitWithAck("subscribeToNotifications", mina.id), failure("forbidden", "subscribeToNotifications"));
  const one = { userId: who.id, title: "까치", body: "news", data: { link: "/chat/1" } };
  const told = next(device, "notification");
  const sent = await expect("POST", "/api/notifications", { token: given.service, body: one }, 202, { ids: [id] });
  fits(await told, [{ id: sent.body.ids[0], title: "까치", body: "news", data: { link: "/chat/1" }, createdAt: time }]);
  const bulk = [{ ...one, userId: Number(who.id), data: undefined }, { ...one, userId: mina.id }];
  const { body } = await expect("POST", "/api/notifications", { token: given.service, body: bulk }, 202, { ids: [id, id] });
  const page = { notifications: [{ id: body.ids[0] }, { id: sent.body.ids[0], title: string, body: string, createdAt: time }], unread: 2 };
  await expect("GET", "/api/notifications", { token: who.token }, 200, page);
  fits(await device.emitWithAck("read", { id: Number(sent.body.ids[0]) }), { unread: 1 });
  await expect("GET", "/api/notifications", { token: who.token }, 200, { unread: 1 });
  for (const [token, status, code] of [[undefined, 401, "unauthorized"], [who.token, 401, "unauthorized"], ["another", 401, "unauthorized"]]) {
    await expect("POST", "/api/notifications", { token, body: one }, status, failure(code));
  }
  for (const [wrong, status, code] of [[[], 400, "invalid"], [{ ...one, title: "" }, 400, "invalid"], [{ ...one, userId: "9999999" }, 404, "not_found"]]) {
    await expect("POST", "/api/notifications", { token: given.service, body: wrong }, status, failure(code));
  }
});

check("/sync: each call and event", async (a) => {
  const key = `board/${crypto.randomUUID()}`;
  const [one, two] = [await a.connect("/sync", mina), await a.connect("/sync", jun)];
  equal(await one.emitWithAck("subscribe", { key }), { key, value: null, version: 0 });
  await two.emitWithAck("subscribe", { key });
  const told = [next(one, "dataUpdated"), next(two, "dataUpdated")];
  equal(await one.emitWithAck("updateData", { key, value: { a: 1 }, version: 0 }), { version: 1 });
  for (const [update] of await Promise.all(told)) equal(update, { key, value: { a: 1 }, version: 1 });
  const conflict = { ...failure("conflict"), details: { key, value: { a: 1 }, version: 1 } };
  fits(await two.emitWithAck("updateData", { key, value: 2, version: 0 }), conflict);
  equal(await two.emitWithAck("unsubscribe", { key }), undefined);

  const path = `/api/sync/${key}`;
  const read = await expect("GET", path, { token: jun.token }, 200, { key, value: { a: 1 }, version: 1 });
  equal(read.headers.get("etag"), '"1"');
  let version = 1;
  for (const match of [(v) => `"${v}"`, (v) => `${v}`, (v) => `W/"${v}"`, () => "*", () => undefined]) {
    const header = match(version);
    const put = await expect("PUT", path, { token: jun.token, body: version, headers: header ? { "If-Match": header } : {} }, 200, { key, value: version, version: version + 1 });
    equal(put.headers.get("etag"), `"${++version}"`);
  }
  for (const stale of ['"1"', "1"]) {
    const details = { key, value: version - 1, version };
    await expect("PUT", path, { token: jun.token, body: 0, headers: { "If-Match": stale } }, 409, { ...failure("conflict"), details });
  }
  await until(() => one.heard.dataUpdated.length === version, "what was changed by HTTP");
  equal(two.heard.dataUpdated.length, 1, "unsubscribed");
  for (const value of [null, true, 7, "text", [], { deep: [{}] }]) await expect("PUT", path, { token: jun.token, body: value }, 200, { value: (v) => JSON.stringify(v) === JSON.stringify(value) });
  await expect("GET", "/api/sync/nothing/there", { token: jun.token }, 404, failure("not_found"));
  await expect("PUT", "/api/sync/none/yet", { token: jun.token, body: 1, headers: { "If-Match": "*" } }, 409, failure("conflict"));
});

check("/location and its versions: If-Match", async () => {
  const at = await place(mina);
  const put = (header) => call("PUT", "/api/location", { token: mina.token, body: { id: at, geometry: point(1, 1) }, headers: header ? { "If-Match": header } : {} });
  let version = 1;
  for (const match of [(v) => `"${v}"`, (v) => `${v}`, (v) => `W/"${v}"`, () => "*", () => undefined]) {
    const { status, headers } = await put(match(version));
    equal([status, headers.get("etag")], [200, `"${++version}"`]);
  }
  const stale = await put('"1"');
  equal(stale.status, 409);
  fits(stale.body, { ...failure("conflict"), details: { id: at, version } });
});

check("/dashboard", async (a) => {
  const viewer = await a.connect("/dashboard", mina);
  await until(() => viewer.heard.dashboardUpdate?.length >= 2, "two updates");
  fits(viewer.heard.dashboardUpdate[0], [{ at: time, connections: { websocket: number } }]);
});

for (const namespace of ["/chat", "/location", "/notifications", "/dashboard", "/sync"]) {
  check(`${namespace} admits who shows a token, and nobody else`, async (a) => {
    for (const auth of [undefined, {}, { token: "" }, { token: "x" }, { token: 7 }, { token: null }, { token: given.service }]) {
      const error = await a.refused(namespace, { auth });
      ok(string(error.message), "a message");
      fits(error.data, { status: "error", code: "unauthorized", message: string }, JSON.stringify(auth));
    }
    fits((await a.refused(namespace, { auth: { token: signed(sora, { exp: 1 }) } })).data, { code: "unauthorized" }, "expired");
    fits((await a.refused(namespace, { auth: { token: signed(sora, {}, "another secret") } })).data, { code: "unauthorized" }, "forged");
    for (const transports of [["websocket"], ["polling"]]) {
      for (const shown of [
        { auth: sora.auth },
        { auth: { token: `Bearer ${sora.token}` } },
        { extraHeaders: { Authorization: `Bearer ${sora.token}` } },
        { extraHeaders: { Cookie: `kachi_session=${sora.token}` } },
      ]) {
        (await a.connect(namespace, { ...shown, transports })).disconnect();
      }
    }
    const s = await a.connect(namespace, sora);
    fits(await s.emitWithAck("nothing", {}), failure("not_found", "nothing"), "an error in the answer");
    const told = next(s, "exception");
    s.emit("nothing", {});
    fits(await told, [failure("not_found", "nothing")], "without an answer asked for");
    fits(await s.emitWithAck("refreshToken", sora.auth), { expiresAt: time });
    fits(await s.emitWithAck("refreshToken", jun.auth), failure("unauthorized", "refreshToken"));
  });
}

// signed is a token of somebody's as the server makes them, with other claims.
function signed(who, claims, secret = given.secret) {
  const [head, payload] = who.token.split(".");
  const changed = { ...JSON.parse(Buffer.from(payload, "base64url")), ...claims };
  const text = `${head}.${Buffer.from(JSON.stringify(changed)).toString("base64url")}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

check("a token that ends is told of, and ends the socket", async (a) => {
  const s = a.socket("/chat", { auth: { token: signed(jun, { exp: Math.floor(Date.now() / 1000) + 6 }) } });
  const [told, ended] = [next(s, "tokenExpiring"), next(s, "disconnect")];
  fits(await told, [{ expiresAt: time }]);
  equal((await ended)[0], "io server disconnect");
  fits(s.heard.exception, [[{ status: "error", code: "unauthorized", message: string }]]);
});

check("there are no other namespaces", async (a) => {
  equal((await a.refused("/nowhere", sora)).message, "Invalid namespace");
});

check("an id has one form, as a number or a text", async (a) => {
  const nest = await room(sora);
  const at = await place(sora);
  const [chat, location, notifications] = [await a.connect("/chat", sora), await a.connect("/location", sora), await a.connect("/notifications", sora)];
  const bad = (v) => ["bad_request", "invalid"].includes(v);
  for (const wrong of [`0${nest}`, `00${nest}`, `+${nest}`, ` ${nest}`, `${nest} `, `${nest}.0`, `${nest}e0`, "0x1", "x", "-1", "0", "99999999999999999999"]) {
    const path = encodeURIComponent(wrong);
    for (const [method, where, body] of [
      ["GET", `/api/rooms/${path}`], ["GET", `/api/rooms/${path}/messages`], ["GET", `/api/location/${path}`],
      ["GET", `/api/rooms/${nest}/messages?before=${path}`], ["GET", `/api/notifications?before=${path}`],
      ["POST", `/api/rooms/${nest}/members`, { userId: wrong }], ["POST", `/api/location/${at}/watchers`, { userId: wrong }],
      ["PUT", "/api/location", { id: wrong, geometry: point(1, 2) }],
    ]) {
      await expect(method, where, { token: sora.token, body }, 400, { ...failure("invalid"), details: (v) => v.length > 0 });
    }
    await expect("POST", "/api/notifications", { token: given.service, body: { userId: wrong, title: "t", body: "b" } }, 400, failure("invalid"));
    for (const [socket, event, arg] of [
      [chat, "join", wrong], [chat, "join", { room: wrong }], [chat, "exit", wrong], [chat, "message", { room: wrong, message: "x" }],
      [chat, "edit", { id: wrong, message: "x" }], [chat, "delete", { id: wrong }], [chat, "seen", { room: nest, id: wrong }], [chat, "typing", { room: wrong }],
      [location, "join_room", { locationId: wrong }], [notifications, "read", { id: wrong }],
    ]) {
      fits(await socket.emitWithAck(event, arg), { ...failure(bad, event) }, `${event} ${JSON.stringify(arg)}`);
    }
  }
});

check("what is refused over HTTP has one shape", async () => {
  const json = { "content-type": "application/json" };
  for (const [method, path, options, status, code, headers = {}] of [
    ["GET", "/api/me", {}, 401, "unauthorized", { "www-authenticate": "Bearer" }],
    ["GET", "/api/me", { token: "x.y.z" }, 401, "unauthorized", { "www-authenticate": "Bearer" }],
    ["GET", "/api/rooms", {}, 401, "unauthorized"],
    ["PUT", "/api/location", { body: {} }, 401, "unauthorized"],
    ["GET", "/api/nothing", {}, 404, "not_found"],
    ["GET", "/api/rooms/999999999", { token: sora.token }, 404, "not_found"],
    ["DELETE", "/api/rooms", { token: sora.token }, 405, "method_not_allowed", { allow: "GET, HEAD, POST, OPTIONS" }],
    ["POST", "/api/rooms", { token: sora.token, raw: "name=x", type: "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    ["POST", "/api/rooms", { token: sora.token, raw: `{"name":"${"x".repeat(70_000)}"}` }, 413, "too_large"],
    ["POST", "/api/rooms", { token: sora.token, raw: "{" }, 400, "bad_request"],
    ["POST", "/api/rooms", { token: sora.token }, 400, "bad_request"],
    ["POST", "/api/rooms", { token: sora.token, body: {} }, 400, "invalid"],
    ["POST", "/api/rooms", { token: sora.token, body: { name: 7 } }, 400, "invalid"],
    ["POST", "/api/auth/register", { body: { name: "x", password: "short" } }, 400, "invalid"],
    ["GET", `/api/notifications?limit=x`, { token: sora.token }, 400, "invalid"],
    ["PUT", "/api/location", { token: sora.token, body: { geometry: point(37.5, 127) } }, 400, "invalid"],
    ["POST", "/api/rooms", { token: sora.token, body: { name: "x" }, headers: { Origin: "https://other.example" } }, 403, "forbidden"],
  ]) {
    const answer = await expect(method, path, options, status, failure(code));
    for (const [name, value] of Object.entries({ ...json, ...headers })) equal(answer.headers.get(name), value, `${method} ${path}: ${name}`);
  }
  const typed = { token: sora.token, raw: '{"name":"x"}', type: "application/json; charset=utf-8" };
  await expect("POST", "/api/rooms", typed, 201, { id });
  const allowed = await expect("POST", "/api/rooms", { ...typed, headers: { Origin: "https://app.example" } }, 201, { id });
  equal(allowed.headers.get("access-control-allow-origin"), "https://app.example");
});

check("health, figures and documents", async () => {
  for (const [path, type, has] of [
    ["/healthz", "application/json", "ok"],
    ["/readyz", "application/json", "ok"],
    ["/metrics", "text/plain", "# HELP "],
    ["/docs/", "text/html", "<!doctype html>"],
    ["/docs/http/", "text/html", "/api/rooms"],
    ["/docs/events/", "text/html", "/notifications"],
    ["/docs/openapi.json", "application/json", '"/api/location"'],
    ["/docs/asyncapi.json", "application/json", '"asyncapi": "3.0.0"'],
    ["/docs/openapi.yaml", "application/yaml", "/api/location:"],
    ["/docs/asyncapi.yaml", "application/yaml", "asyncapi: 3.0.0"],
    ["/", "text/html", "<!doctype html>"],
  ]) {
    const response = await fetch(given.url + path);
    const text = await response.text();
    equal([response.status, response.headers.get("content-type").split(";")[0]], [200, type], path);
    ok(text.includes(has), `${path} has no ${has}: ${text.slice(0, 300)}`);
  }
  const { status, headers } = await call("GET", "/docs");
  ok(status >= 300 && status < 400 && headers.get("location") === "/docs/", `/docs: ${status}`);
});

check("Socket.IO at an address of its own", async (a) => {
  const made = await call("POST", "/api/auth/register", { at: given.apart.url, body: { name: "mina", password } });
  equal(made.status, 201);
  const auth = { token: made.body.accessToken };
  const s = await a.connect("/sync", { auth, at: given.apart.sockets });
  equal(await s.emitWithAck("subscribe", { key: "k" }), { key: "k", value: null, version: 0 });
  const [there, here] = await Promise.all([given.apart.sockets, given.apart.url].map((at) => call("GET", "/socket.io/?EIO=4&transport=polling", { at })));
  equal([there.status, here.status], [200, 404]);
  equal((await call("GET", "/healthz", { at: given.apart.sockets })).status, 200);
});

await run();
