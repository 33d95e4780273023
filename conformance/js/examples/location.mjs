import { check, equal, given, next, ok, request, run } from "./harness.mjs";

// Mina is user 1, and location 1 is hers; Jun is user 2 and may watch it; Sora is user 3.
const [mina, jun, sora] = ["mina", "jun", "sora"].map((name) => ({ auth: { token: given[name] } }));
const position = { type: "Point", coordinates: [126.978, 37.5665] };

check("join_room is acknowledged by the room's name, chat by what was sent", async (a) => {
  const [one, two] = [await a.connect("/", mina), await a.connect("/", jun)];
  equal(await one.emitWithAck("join_room", { locationId: 1, userId: 1 }), "1");
  equal(await two.emitWithAck("join_room", { locationId: 1 }), "1");
  const payload = { userId: 1, message: { lat: 37.5, deep: [1, { a: null }] }, roomName: "1" };
  const told = Promise.all([next(one, "chat"), next(two, "chat")]);
  equal(await one.emitWithAck("chat", payload), payload);
  equal(await told, [[payload], [payload]]);
});

check("PUT /location tells those who watch", async (a) => {
  const watcher = await a.connect("/", jun);
  await watcher.emitWithAck("join_room", { locationId: 1, userId: 2 });
  const told = next(watcher, "chat");
  const { status, body } = await request("PUT", "/location", { token: given.mina, body: { id: 1, geometry: position } });
  equal([status, body.status], [200, 200]); // and not 201: nothing was created
  const updated = body.data.updatedLocationResult;
  equal([updated.id, updated.ownerId, updated.geometry], [1, 1, position]);
  equal(await told, [{ userId: 1, message: updated, roomName: "1" }]);
});

check("PUT /location makes nobody join", async (a) => {
  const [owner, watcher] = [await a.connect("/", mina), await a.connect("/", jun)];
  await watcher.emitWithAck("join_room", { locationId: 1 });
  for (let i = 0; i < 2; i++) { // what the first one joined the second one would tell
    const told = next(watcher, "chat");
    await request("PUT", "/location", { token: given.mina, body: { id: 1, geometry: position } });
    await told;
  }
  await owner.emitWithAck("join_room", {}); // refused, and behind what was sent
  equal(owner.heard, {});
});

check("join_room moves only the caller", async (a) => {
  const [one, bystander] = [await a.connect("/", jun), await a.connect("/", jun)];
  await one.emitWithAck("join_room", { locationId: 1 });
  const told = next(one, "chat");
  await request("PUT", "/location", { token: given.mina, body: { id: 1, geometry: position } });
  await told;
  await bystander.emitWithAck("join_room", {}); // refused, and behind what was sent
  equal(bystander.heard, {});
});

check("who calls is told by the token, not by a userId", async (a) => {
  equal((await a.refused("/")).data.code, "unauthorized");
  const spy = await a.connect("/", sora);
  equal((await spy.emitWithAck("join_room", { locationId: 1, userId: 1 })).code, "forbidden");
  equal((await spy.emitWithAck("join_room", { locationId: 1 })).code, "forbidden");
  equal((await spy.emitWithAck("join_room", { locationId: 404 })).code, "forbidden");
  const owner = await a.connect("/", mina);
  equal((await owner.emitWithAck("chat", { userId: 2, message: {}, roomName: "1" })).code, "forbidden");
  const put = (token) => request("PUT", "/location", { token, body: { id: 1, geometry: position } });
  equal([(await put()).status, (await put()).body.code], [401, "unauthorized"]);
  equal((await put("wrong")).status, 401);
  equal((await put(given.jun)).status, 403);
});

check("nobody publishes into a room that is not theirs", async (a) => {
  const [owner, watcher] = [await a.connect("/", mina), await a.connect("/", jun)];
  await owner.emitWithAck("join_room", { locationId: 1 });
  await watcher.emitWithAck("join_room", { locationId: 1 });
  const forged = { userId: 1, message: { lat: 0 }, roomName: "1" };
  equal((await watcher.emitWithAck("chat", forged)).code, "forbidden");
  equal((await watcher.emitWithAck("chat", { ...forged, userId: 2 })).code, "forbidden");
  for (const roomName of [owner.id, `location:1`, "2", "+1", "01", ""]) {
    const answer = await owner.emitWithAck("chat", { ...forged, roomName });
    ok(["invalid", "forbidden"].includes(answer.code), `${roomName}: ${JSON.stringify(answer)}`);
  }
  equal([owner.heard, watcher.heard], [{}, {}]);
});

check("a flood is refused", async (a) => {
  const somebody = await a.connect("/", sora);
  const answers = await Promise.all(Array.from({ length: 150 }, () => somebody.emitWithAck("join_room", { locationId: 1 })));
  ok(answers.some((answer) => answer.code === "rate_limited"), "no limit");
});

check("payloads that are none are refused", async (a) => {
  const owner = await a.connect("/", mina);
  for (const [payload, code] of [
    [{ userId: 1, message: "text", roomName: "1" }, "invalid"],
    [{ userId: 1, message: { x: "x".repeat(5000) }, roomName: "1" }, "invalid"],
    [{ userId: "1", message: {}, roomName: "1" }, "bad_request"],
    ["text", "bad_request"],
    [null, "bad_request"],
  ]) equal((await owner.emitWithAck("chat", payload)).code, code, JSON.stringify(payload));
});

check("errors over HTTP have one shape", async () => {
  const bad = await request("PUT", "/location", { token: given.mina, body: { id: 1, geometry: "here" } });
  equal([bad.status, bad.body.status, bad.body.code], [400, "error", "bad_request"]);
});

check("the order of longitude and latitude is pinned, and ranges are checked", async () => {
  const put = (coordinates) =>
    request("PUT", "/location", { token: given.mina, body: { id: 1, geometry: { type: "Point", coordinates } } });
  equal((await put([126.978, 37.5665])).body.data.updatedLocationResult.geometry.coordinates, [126.978, 37.5665]);
  equal((await put([37.5665, 126.978])).body.details.map((d) => d.path), ["geometry.coordinates[1]"]);
  for (const few of [[], [1], [1, 2, 3]]) equal((await put(few)).body.details.map((d) => d.path), ["geometry.coordinates"]);
  equal((await put([181, -91])).body.details.map((d) => d.path), ["geometry.coordinates[0]", "geometry.coordinates[1]"]);
});

check("both transports are offered", async (a) => {
  for (const transport of ["polling", "websocket"]) {
    const socket = await a.connect("/", { ...jun, transports: [transport] });
    equal(await socket.emitWithAck("join_room", { locationId: 1 }), "1");
  }
});

run();
