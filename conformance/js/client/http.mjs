import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import vm from "node:vm";
import zlib from "node:zlib";
import { Fetch } from "engine.io-client";
import { WebSocket } from "ws";
import xhr from "xmlhttprequest-ssl";
import { check, collect, connected, EACH, equal, next, ok, range, run, until } from "./harness.mjs";

const dist = dirname(createRequire(import.meta.url).resolve("socket.io-client/dist/socket.io.js"));
const once = ["websocket"]; // for checks that connect no client
const handshake = "/socket.io/?EIO=4&transport=polling";

// Client files

check("the client files are those of the package", { fixture: "files", ways: once }, async (t) => {
  const names = (await readdir(dist)).filter((name) => /\.js(\.map)?$/.test(name));
  equal(names.length, 8);
  for (const name of names) {
    const want = await readFile(`${dist}/${name}`);
    const plain = await t.request(`/socket.io/${name}?v=1`);
    equal(plain.status, 200, name);
    ok(plain.body.equals(want), `${name} differs`);
    const type = name.endsWith(".map") ? "application/json" : "application/javascript";
    equal(plain.headers["content-type"], `${type}; charset=utf-8`);
    equal(plain.headers["cache-control"], "public, max-age=0");
    const { etag } = plain.headers;
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`]) {
      equal((await t.request(`/socket.io/${name}`, { headers: { "If-None-Match": tag } })).status, 304, tag);
    }
    equal((await t.request(`/socket.io/${name}`, { headers: { "If-None-Match": '"4.0.0"' } })).status, 200);
    const zipped = await t.request(`/socket.io/${name}`, { headers: { "Accept-Encoding": "gzip" } });
    equal(zipped.headers["content-encoding"], "gzip");
    ok(zlib.gunzipSync(zipped.body).equals(want), `${name} differs when it is compressed`);
  }
});

check("other names are not files", { fixture: "files", ways: once }, async (t) => {
  for (const path of ["/socket.io/index.js", "/socket.io/..%2fpackage.json", "/socket.io/socket.io.js.map.map"]) {
    equal((await t.request(path)).status, 400, path);
  }
  equal((await t.request("/other/socket.io.js")).status, 404);
});

check("no files where none are given", { fixture: "plain", ways: once }, async (t) => {
  equal((await t.request("/socket.io/socket.io.js")).status, 404);
});

for (const name of ["socket.io.js", "socket.io.min.js"]) {
  check(`the served ${name} connects`, { fixture: "files" }, async (t) => {
    const { body } = await t.request(`/socket.io/${name}`);
    const page = vm.createContext({
      WebSocket, XMLHttpRequest: xhr.XMLHttpRequest, ArrayBuffer, Uint8Array, TextEncoder, TextDecoder,
      setTimeout, clearTimeout, setInterval, clearInterval, console,
    });
    page.self = page;
    vm.runInContext(body.toString(), page);
    const socket = page.io(t.url, t.options({ forceNew: true, reconnection: false }));
    t.after(() => socket.disconnect());
    await connected(socket);
    equal(await socket.emitWithAck("echo", "from a page"), "from a page");
    if (t.way === "upgrade") await until(() => socket.io.engine.transport.name === "websocket", "the upgrade");
    equal(await socket.emitWithAck("echo", "again"), "again");
    socket.disconnect();
  });
}

check("the served module connects", { fixture: "files", ways: ["websocket"] }, async (t) => {
  const { body } = await t.request("/socket.io/socket.io.esm.min.js");
  globalThis.WebSocket ??= WebSocket; // as a browser has it
  const { io } = await import(`data:text/javascript;base64,${body.toString("base64")}`);
  const socket = io(t.url, t.options({ forceNew: true }));
  t.after(() => socket.disconnect());
  await connected(socket);
  equal(await socket.emitWithAck("echo", "from a module"), "from a module");
  socket.disconnect();
});

// Compression

check("answers to polls are compressed", { fixture: "plain", ways: ["polling"] }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", { transports: [Fetch] }, proxy.url); // XHR under Node cannot
  equal(await socket.emitWithAck("echo", "small"), "small");
  equal(await t.control("encodings"), []);
  const made = collect(socket, "made");
  const before = proxy.received;
  await socket.emitWithAck("make", 5, 100_000, "");
  equal(made.map(([n, text]) => [n, text.length]), range(5).map((n) => [n, 100_000]));
  equal(await t.control("encodings"), ["gzip"]);
  ok(proxy.received - before < 100_000, `${proxy.received - before} bytes for 500,000`);
});

check("or not, where the server does not", { fixture: "plain text", ways: ["polling"] }, async (t) => {
  const socket = await t.connect("/", { transports: [Fetch] });
  await socket.emitWithAck("make", 2, 50_000, "");
  equal(await t.control("encodings"), []);
});

check("or the client cannot", { fixture: "plain", ways: ["polling"] }, async (t) => {
  const socket = await t.connect();
  await socket.emitWithAck("make", 2, 50_000, "");
  equal(await t.control("encodings"), []);
});

check("permessage-deflate", { fixture: "deflating", ways: ["websocket", "upgrade"] }, async (t) => {
  const proxy = await t.proxy();
  const socket = await t.connect("/", {}, proxy.url);
  await t.settle();
  ok(socket.io.engine.transport.ws.extensions.startsWith("permessage-deflate"), socket.io.engine.transport.ws.extensions);
  const made = collect(socket, "made");
  const before = proxy.received;
  await socket.emitWithAck("make", 20, 50_000, "");
  await socket.emitWithAck("make", 20, 50_000, "binary");
  ok(proxy.received - before < 200_000, `${proxy.received - before} bytes for 2,000,000`);
  equal(made.map(([n, data]) => [n, data.length]), [...range(20), ...range(20)].map((n) => [n, 50_000]));
  ok(made[21][1].equals(Buffer.alloc(50_000, 1)), "another content");
  // The client deflates, too, from 1 KiB.
  for (const value of ["é".repeat(100_000), Buffer.alloc(300_000, "abc"), "small", ""]) {
    equal(await socket.emitWithAck("echo", value), value);
  }
  const messages = await Promise.all(range(100).map((n) => socket.emitWithAck("echo", "x".repeat(n * 37) + n)));
  equal(messages, range(100).map((n) => "x".repeat(n * 37) + n));
});

check("broadcasts to those with and without deflate", { fixture: "deflating", ways: ["websocket", "upgrade"] }, async (t) => {
  const all = await Promise.all([t.connect(), t.connect("/", { perMessageDeflate: false })]);
  equal(all[1].io.engine.transport.ws?.extensions || "", "");
  const heard = all.map((socket) => collect(socket, "everyone"));
  const sent = range(30).map((n) => [n, n % 3 ? "text ".repeat(n * 100) : Buffer.alloc(n * 500, n), "small"]);
  for (const args of sent) all[0].emit("everyone", ...args);
  await until(() => heard.every((h) => h.length === sent.length), "all broadcasts");
  for (const h of heard) equal(h, sent);
});

check("no permessage-deflate unless it is on", { fixture: "plain", ways: ["websocket"] }, async (t) => {
  const socket = await t.connect("/", { perMessageDeflate: { threshold: 10 } });
  equal(socket.io.engine.transport.ws.extensions, "");
  equal(await socket.emitWithAck("echo", "x".repeat(5000)), "x".repeat(5000));
});

// Cookies

check("a cookie with the session's id", { fixture: "cookie", ways: once }, async (t) => {
  const { headers, body } = await t.request(handshake);
  const { sid } = JSON.parse(body.toString().slice(1));
  equal(headers["set-cookie"], [`io=${sid}; Path=/; HttpOnly; SameSite=Lax`]);
  const poll = await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "40" });
  equal([poll.status, poll.headers["set-cookie"]], [200, undefined]);
  equal((await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "1" })).status, 200);
});

check("a cookie of one's own making", { fixture: "cookie of its own", ways: once }, async (t) => {
  const { headers, body } = await t.request(handshake);
  const { sid } = JSON.parse(body.toString().slice(1));
  equal(headers["set-cookie"], [`sticky=${sid}; Path=/socket.io/; SameSite=Lax`]);
  await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "1" });
});

check("the client sends the cookie back", { fixture: "cookie", ways: ["polling", "upgrade"] }, async (t) => {
  const socket = await t.connect("/", { withCredentials: true });
  equal(await socket.emitWithAck("echo", 1), 1);
  equal(await t.control("cookies"), [`io=${socket.io.engine.id}`]);
});

check("no cookie unless it is on", { fixture: "plain", ways: ["polling"] }, async (t) => {
  const socket = await t.connect("/", { withCredentials: true });
  equal(await socket.emitWithAck("echo", 1), 1);
  equal(await t.control("cookies"), []);
});

// Origins

async function refused(t, origin) {
  const [error] = await next(t.socket("/", { extraHeaders: { Origin: origin }, reconnection: false }), "connect_error");
  equal(error.message, t.way === "websocket" ? "websocket error" : "xhr poll error", origin);
  if (t.way !== "websocket") equal(error.description, 403, origin);
}

check("pages of the server's own origin, and no others", { fixture: "plain" }, async (t) => {
  const socket = await t.connect("/", { extraHeaders: { Origin: t.url } });
  equal((await socket.emitWithAck("whoami")).xdomain, true); // it says where it comes from
  for (const origin of ["https://evil.example", "null", t.url + "1"]) await refused(t, origin);
});

check("pages of a site that is allowed, and no others", { fixture: "one site" }, async (t) => {
  await t.connect("/", { extraHeaders: { Origin: "https://app.example" } });
  for (const origin of ["https://evil.example", "http://app.example", "https://app.example.evil.example", "null"]) {
    await refused(t, origin);
  }
});

check("pages of every site", { fixture: "every site" }, async (t) => {
  for (const Origin of ["https://a.example", "null"]) await t.connect("/", { extraHeaders: { Origin } });
});

check("what browsers are told", { fixture: "one site", ways: once }, async (t) => {
  const Origin = "https://app.example";
  const got = await t.request(handshake, { headers: { Origin } });
  equal(got.status, 200);
  equal(got.headers["access-control-allow-origin"], Origin);
  equal(got.headers["access-control-allow-credentials"], "true");
  equal(got.headers["access-control-expose-headers"], "X-Exposed");
  ok(got.headers.vary?.includes("Origin"), got.headers.vary);
  const { sid } = JSON.parse(got.body.toString().slice(1));
  const post = await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "40", headers: { Origin } });
  equal([post.status, post.headers["access-control-allow-origin"]], [200, Origin]);
  // A session's id does not open it to other sites.
  const evil = await t.request(`${handshake}&sid=${sid}`, { headers: { Origin: "https://evil.example" } });
  equal([evil.status, evil.headers["access-control-allow-origin"]], [403, undefined]);
  await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "1" });
});

check("preflights", { fixture: "one site", ways: once }, async (t) => {
  const headers = { Origin: "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-allowed" };
  const got = await t.request(handshake, { method: "OPTIONS", headers });
  equal(got.status, 204);
  equal(got.headers["access-control-allow-origin"], "https://app.example");
  equal(got.headers["access-control-allow-credentials"], "true");
  equal(got.headers["access-control-allow-headers"], "X-Allowed");
  equal(got.headers["access-control-allow-methods"], "GET,POST");
  const evil = await t.request(handshake, { method: "OPTIONS", headers: { ...headers, Origin: "https://evil.example" } });
  ok(evil.status >= 400 && !evil.headers["access-control-allow-origin"], `${evil.status}`);
});

check("every site, without cookies", { fixture: "every site", ways: once }, async (t) => {
  const got = await t.request(handshake, { headers: { Origin: "https://a.example" } });
  equal(got.headers["access-control-allow-origin"], "*");
  equal(got.headers["access-control-allow-credentials"], undefined);
  const { sid } = JSON.parse(got.body.toString().slice(1));
  await t.request(`${handshake}&sid=${sid}`, { method: "POST", body: "1" });
});

// Where it is served

check("another path", { fixture: "elsewhere" }, async (t) => {
  const socket = await t.connect("/", { path: "/deep/down/rt" });
  equal(await socket.emitWithAck("echo", 1), 1);
  const [error] = await next(t.socket("/", { reconnection: false }), "connect_error");
  if (t.way !== "websocket") equal(error.description, 404);
});

check("without the trailing slash", { fixture: "slashless" }, async (t) => {
  const socket = await t.connect("/", { addTrailingSlash: false });
  equal((await socket.emitWithAck("whoami")).url.startsWith("/socket.io?"), true);
  equal(await socket.emitWithAck("echo", { x: "y".repeat(5000) }), { x: "y".repeat(5000) });
});

check("over TLS", { fixture: "secure" }, async (t) => {
  ok(t.url.startsWith("https://"), t.url);
  const socket = await t.connect();
  await t.settle();
  equal((await socket.emitWithAck("whoami")).secure, true);
  const heard = collect(socket, "back");
  for (const n of range(200)) socket.emit("back", n, Buffer.alloc(n * 10, n));
  await until(() => heard.length === 200, "all events");
  equal(heard.map(([n, b]) => [n, b.length]), range(200).map((n) => [n, n * 10]));
  await socket.emitWithAck("make", 3, 900_000, "");
  const strangers = t.socket("/", { ca: undefined, reconnection: false }); // whom nobody vouched for
  ok((await next(strangers, "connect_error"))[0].message.endsWith("error"), "connected");
});

check("a server that is full lets clients in later", { fixture: "full" }, async (t) => {
  const first = await t.connect();
  const second = t.socket();
  const [error] = await next(second, "connect_error");
  if (t.way !== "websocket") equal(error.description, 503);
  first.disconnect();
  await next(second, "connect");
  equal(await second.emitWithAck("echo", 1), 1);
});

check("without time stamps in the address", { fixture: "plain", ways: EACH }, async (t) => {
  const socket = await t.connect("/", { timestampRequests: false });
  equal((await socket.emitWithAck("whoami")).query.t, undefined);
  equal(await Promise.all(range(20).map((n) => socket.emitWithAck("echo", n))), range(20));
});

await run();
