// The namespace /sync, as a page would use it.
import { check, equal, given, next, ok, run, until } from "../examples/harness.mjs";

const [mina, jun] = [{ token: given.mina }, { token: given.jun }];

async function api(method, path, token, body, headers = {}) {
  const response = await fetch(given.url + path, {
    method,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get("etag"), body: text && JSON.parse(text) };
}

// Mirror is a document as a client keeps it: what is newest counts, whatever came first.
class Mirror {
  value = null;
  version = -1;

  constructor(socket, key) {
    this.socket = socket;
    this.key = key;
    socket.on("dataUpdated", (d) => this.take(d));
  }

  async subscribe() {
    this.take(await this.socket.emitWithAck("subscribe", { key: this.key }));
  }

  take(d) {
    if (d.key !== this.key || d.version <= this.version) return;
    this.value = d.value;
    this.version = d.version;
  }

  // change applies a function to the value until nobody else is faster.
  async change(f) {
    for (;;) {
      const { version } = this;
      const value = f(this.value);
      const answer = await this.socket.emitWithAck("updateData", { key: this.key, value, version });
      if (answer.status !== "error") return this.take({ key: this.key, value, version: answer.version });
      equal(answer.code, "conflict");
      this.take(answer.details);
    }
  }
}

check("nobody is admitted without a token", async (a) => {
  equal((await a.refused("/sync")).data.code, "unauthorized");
  equal((await a.refused("/sync", { auth: { token: "none" } })).data.code, "unauthorized");
});

check("a snapshot, then changes, to all who subscribe", async (a) => {
  const key = "js/board";
  const [one, two, three] = [await a.connect("/sync", { auth: mina }), await a.connect("/sync", { auth: jun }), await a.connect("/sync", { auth: jun })];
  equal(await one.emitWithAck("subscribe", { key }), { key, value: null, version: 0 });
  equal(await two.emitWithAck("subscribe", { key }), { key, value: null, version: 0 });
  const told = next(two, "dataUpdated");
  equal(await one.emitWithAck("updateData", { key, value: { title: "까치" }, version: 0 }), { version: 1 });
  equal(await told, [{ key, value: { title: "까치" }, version: 1 }]);
  await until(() => one.heard.dataUpdated, "its own change");
  equal(await three.emitWithAck("subscribe", { key }), { key, value: { title: "까치" }, version: 1 });
  await two.emitWithAck("unsubscribe", { key });
  await one.emitWithAck("updateData", { key, value: [1], version: 1 });
  await until(() => three.heard.dataUpdated, "the change");
  equal(three.heard.dataUpdated, [[{ key, value: [1], version: 2 }]]);
  equal(two.heard.dataUpdated.length, 1);
});

check("a conflict is answered with what is there", async (a) => {
  const key = "js/conflict";
  const socket = await a.connect("/sync", { auth: mina });
  await socket.emitWithAck("updateData", { key, value: 1, version: 0 });
  const answer = await socket.emitWithAck("updateData", { key, value: 2, version: 0 });
  equal(answer.status, "error");
  equal(answer.code, "conflict");
  equal(answer.details, { key, value: 1, version: 1 });
});

check("mirrors that change a document at once end up the same, with every change in it", async (a) => {
  const mirrors = [];
  for (let i = 0; i < 6; i++) {
    mirrors.push(new Mirror(await a.connect("/sync", { auth: i % 2 ? mina : jun }), "js/list"));
  }
  await Promise.all(mirrors.map(async (m, i) => {
    await m.subscribe();
    for (let n = 0; n < 5; n++) await m.change((list) => [...(list ?? []), `${i}.${n}`]);
  }));
  await until(() => mirrors.every((m) => m.version === 30), "all versions");
  for (const m of mirrors) equal(m.value, mirrors[0].value);
  equal(new Set(mirrors[0].value).size, 30);
});

check("what is a person's own is not there for others", async (a) => {
  const key = `user/${given.junID}/js`;
  const [own, other] = [await a.connect("/sync", { auth: jun }), await a.connect("/sync", { auth: mina })];
  equal((await other.emitWithAck("subscribe", { key })).code, "not_found");
  equal(await own.emitWithAck("updateData", { key, value: 1, version: 0 }), { version: 1 });
  equal((await other.emitWithAck("updateData", { key, value: 2, version: 1 })).code, "not_found");
  equal((await api("GET", `/api/sync/${key}`, given.mina)).status, 404);
  equal((await api("GET", `/api/sync/${key}`, given.jun)).body, { key, value: 1, version: 1 });
});

check("over HTTP, with ETag and If-Match", async (a) => {
  const [key, path] = ["js/http", "/api/sync/js/http"];
  const socket = await a.connect("/sync", { auth: jun });
  await socket.emitWithAck("subscribe", { key });
  const made = await api("PUT", path, given.mina, { a: 1 }, { "If-None-Match": "*" });
  equal(made, { status: 200, etag: '"1"', body: { key, value: { a: 1 }, version: 1 } });
  const changed = await api("PUT", path, given.mina, { a: 2 }, { "If-Match": made.etag });
  equal(changed.body.version, 2);
  const refused = await api("PUT", path, given.mina, { a: 3 }, { "If-Match": made.etag });
  equal([refused.status, refused.body.code, refused.body.details], [409, "conflict", { key, value: { a: 2 }, version: 2 }]);
  equal((await api("DELETE", path, given.mina, undefined, { "If-Match": changed.etag })).status, 204);
  equal((await api("GET", path, given.mina)).status, 404);
  await until(() => socket.heard.dataUpdated?.length === 3, "three changes");
  equal(socket.heard.dataUpdated.map(([d]) => [d.value, d.version]), [[{ a: 1 }, 1], [{ a: 2 }, 2], [null, 3]]);
  ok(socket.heard.dataUpdated[2][0].deleted);
});

run();
