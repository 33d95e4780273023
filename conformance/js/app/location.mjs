// The namespace /location and the routes of /api/location, as a page would use them.
import { check, equal, given, next, ok, request, run, until } from "../examples/harness.mjs";

const [mina, jun, sora, stranger] = ["mina", "jun", "sora", "stranger"].map((name) => ({ auth: { token: given[name] } }));
const seoul = { type: "Point", coordinates: [126.978, 37.5665] };
const vienna = { type: "Point", coordinates: [16.37, 48.2] };

async function put(body, token = given.mina) {
  const { status, body: answer } = await request("PUT", "/api/location", { token, body });
  return { status, answer, location: answer.data?.updatedLocationResult };
}

// shared makes a location of Mina's, which Jun and Sora may watch.
async function shared(geometry = seoul) {
  const { location } = await put({ geometry });
  for (const userId of [given.junId, given.soraId]) {
    equal((await request("POST", `/api/location/${location.id}/watchers`, { token: given.mina, body: { userId } })).status, 204);
  }
  return location;
}

// Marker is a location as a page keeps it: the greatest version counts, whatever comes first.
class Marker {
  version = 0;
  told = [];

  constructor(socket, id) {
    socket.on("chat", ({ message, roomName }) => {
      if (roomName !== id) return;
      this.told.push(message.version);
      if (message.version > this.version) Object.assign(this, message);
    });
  }
}

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  check(`two watchers and a stranger, by ${transports}`, async (a) => {
    const location = await shared();
    const sockets = [];
    for (const who of [mina, jun, sora, stranger]) sockets.push(await a.connect("/location", { ...who, transports }));
    const [owner, one, two, spy] = sockets;
    for (const socket of [one, two]) {
      const order = [];
      socket.once("chat", () => order.push("chat"));
      const first = next(socket, "chat");
      socket.emit("join_room", { locationId: location.id }, (name) => order.push(name));
      equal(await first, [{ userId: given.minaId, message: location, roomName: location.id }]);
      equal(order, [location.id, "chat"]);
    }
    equal((await spy.emitWithAck("join_room", { locationId: location.id })).code, "not_found");

    const told = Promise.all([next(one, "chat"), next(two, "chat")]);
    const moved = await put({ id: location.id, geometry: vienna });
    equal(moved.status, 200);
    equal([moved.location.version, moved.location.geometry], [2, vienna]);
    const news = [{ userId: given.minaId, message: moved.location, roomName: location.id }];
    equal(await told, [news, news]);
    for (const socket of [owner, spy]) await socket.emitWithAck("leave_room", { locationId: location.id }); // behind what was sent
    equal([owner.heard, spy.heard], [{}, {}]);
    equal([one.heard.chat.length, two.heard.chat.length], [2, 2]); // one copy each
  });
}

check("join_room takes a number too, and the user's own id", async (a) => {
  const location = await shared();
  const socket = await a.connect("/location", jun);
  equal(await socket.emitWithAck("join_room", { locationId: Number(location.id), userId: Number(given.junId) }), location.id);
  equal((await socket.emitWithAck("join_room", { locationId: location.id, userId: given.minaId })).code, "forbidden");
});

check("PUT: 201 for what is new, 200 for what is changed, and the status in the body", async () => {
  const made = await put({ name: "집", geometry: seoul });
  equal([made.status, made.answer.status, made.location.version], [201, 201, 1]);
  const { id, ...rest } = made.location;
  equal(Object.keys(made.location), ["id", "name", "ownerId", "ownerName", "geometry", "updatedAt", "version"]);
  equal([typeof id, rest.name, rest.ownerId, rest.geometry], ["string", "집", given.minaId, seoul]);
  const changed = await put({ id: Number(id), geometry: vienna });
  equal([changed.status, changed.answer.status, changed.location.name], [200, 200, "집"]);
  const refused = await put({ id, geometry: { type: "Point", coordinates: [37.5665, 126.978] } });
  equal([refused.status, refused.answer.code, refused.answer.details.map((d) => d.path)], [400, "invalid", ["geometry.coordinates[1]"]]);
});

check("positions come by HTTP alone, and rooms are those of locations", async (a) => {
  const location = await shared();
  const [owner, watcher, spy] = [await a.connect("/location", mina), await a.connect("/location", jun), await a.connect("/location", stranger)];
  equal(await watcher.emitWithAck("join_room", { locationId: location.id }), location.id);
  const forged = { userId: given.minaId, message: { ...location, version: 99 }, roomName: location.id };
  for (const socket of [owner, watcher, spy]) equal((await socket.emitWithAck("chat", forged)).code, "not_found");
  for (const locationId of [watcher.id, `location:${location.id}`, `user:${given.junId}`, "01", -1, {}]) {
    equal((await spy.emitWithAck("join_room", { locationId })).code, "bad_request", JSON.stringify(locationId));
  }
  equal((await put({ id: location.id, geometry: vienna }, given.jun)).status, 403);
  equal((await put({ id: location.id, geometry: vienna }, given.stranger)).status, 404);
  const marker = new Marker(watcher, location.id);
  await put({ id: location.id, geometry: vienna });
  await until(() => marker.version > 0);
  equal([marker.version, marker.geometry], [2, vienna]);
  for (const socket of [owner, spy]) await socket.emitWithAck("leave_room", { locationId: location.id }); // behind what was sent
  equal([owner.heard, spy.heard], [{}, {}]);
});

check("a grant that is taken back", async (a) => {
  const location = await shared();
  const [phone, desk, hers] = [await a.connect("/location", jun), await a.connect("/location", jun), await a.connect("/location", sora)];
  for (const socket of [phone, desk, hers]) equal(await socket.emitWithAck("join_room", { locationId: location.id }), location.id);
  const left = Promise.all([next(phone, "left_room"), next(desk, "left_room")]);
  const { status } = await request("DELETE", `/api/location/${location.id}/watchers/${given.junId}`, { token: given.mina });
  equal(status, 204);
  equal((await left)[0], [{ roomName: location.id, reason: "revoked" }]);
  const marker = new Marker(hers, location.id);
  await put({ id: location.id, geometry: vienna });
  await until(() => marker.version === 2);
  for (const socket of [phone, desk]) {
    equal((await socket.emitWithAck("join_room", { locationId: location.id })).code, "not_found");
    equal(socket.heard.chat.map(([m]) => m.message.version), [1]);
  }
});

check("who joins while it moves ends with the last position", async (a) => {
  const location = await shared();
  const markers = [];
  const moving = (async () => {
    for (let i = 0; i < 20; i++) await put({ id: location.id, geometry: { type: "Point", coordinates: [i, i] } });
  })();
  for (let i = 0; i < 5; i++) {
    const socket = await a.connect("/location", jun);
    markers.push(new Marker(socket, location.id));
    equal(await socket.emitWithAck("join_room", { locationId: location.id }), location.id);
  }
  await moving;
  for (const marker of markers) {
    await until(() => marker.version === 21);
    equal(marker.geometry.coordinates, [19, 19]);
    for (let v = Math.min(...marker.told); v <= 21; v++) ok(marker.told.includes(v), `version ${v} of ${marker.told}`);
  }
});

check("who comes back joins anew, and gets what was missed", async (a) => {
  const location = await shared();
  const socket = await a.connect("/location", { ...jun, reconnection: true, reconnectionDelay: 1 });
  const marker = new Marker(socket, location.id);
  const join = () => socket.emit("join_room", { locationId: location.id });
  socket.on("connect", join);
  join();
  await until(() => marker.version === 1);
  const away = next(socket, "disconnect");
  socket.io.engine.close(); // the network is gone
  await away;
  await put({ id: location.id, geometry: vienna });
  await until(() => marker.version === 2);
});

check("GeoJSON by a box over the antimeridian and by distance", async () => {
  const { location: fiji } = await put({ geometry: { type: "Point", coordinates: [179.9, -17] } });
  const { location: samoa } = await put({ geometry: { type: "Point", coordinates: [-179.9, -17] } });
  for (const query of ["bbox=179,-18,-179,-16", "near=180,-17&radius=11000"]) {
    const { status, body } = await request("GET", `/api/location?${query}`, { token: given.mina });
    equal([status, body.type, body.features.map((f) => f.id)], [200, "FeatureCollection", [fiji.id, samoa.id]]);
    equal([body.features[0].type, body.features[0].geometry.coordinates], ["Feature", [179.9, -17]]);
    equal((await request("GET", `/api/location?${query}`, { token: given.jun })).body.features, []);
  }
});

check("nobody is admitted without a token", async (a) => {
  equal((await a.refused("/location")).data.code, "unauthorized");
  equal((await request("PUT", "/api/location", { body: { geometry: seoul } })).status, 401);
});

run();
