// Clients whose tokens expire, cannot be got, or are taken back, and what their status says.
import { KachiError, SessionClient, OtherClient, type ClientOptions, type Status } from "./client.js";

const url = process.argv[2]!;
const told: Record<string, unknown> = {};
const words = ({ state, error }: Status) => [state, error?.code, error?.reason].filter((w) => w !== undefined).join(" ");

// Follows a client whose tokens the function makes, by how often it was asked.
function follow(token: (asked: number) => ReturnType<NonNullable<ClientOptions["token"]>>) {
  const errors: unknown[] = [];
  let asked = 0;
  const client = new SessionClient(url, { token: () => token(++asked), onTokenError: (e) => errors.push(e) });
  const path = [words(client.status)];
  client.onStatus((status) => path.push(words(status)));
  return { client, errors, path };
}

// Waits until the client speaks for a token.
async function speaksFor(client: SessionClient, token: string) {
  for (;;) {
    const who = await client.who().catch((e: unknown) => String(e));
    if (who === token) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const failed = async (call: Promise<unknown>) => {
  try {
    return await call;
  } catch (e) {
    return e instanceof KachiError ? [e.code, e.reason ?? e.message] : String(e);
  }
};

// Who is warned shows the next token, and does not mind that it cannot be got at first.
const warned = follow(async (asked) => {
  if (asked === 2 || asked === 3) {
    throw new Error(`no answer ${asked}`);
  }
  return `ann ${asked}`;
});
told["first"] = await warned.client.who(); // waits for the connection
await warned.client.warn();
await speaksFor(warned.client, "ann 4");
told["warned"] = [[...warned.path], warned.errors.map(String)];

// Where tokens come from does not answer when the client connects.
const lost = follow((asked) => {
  if (asked < 3) {
    throw new Error("no answer");
  }
  return `bob ${asked}`;
});
await lost.client.connected();
told["lost"] = [await lost.client.who(), [...lost.path], lost.errors.length];

// One connection for both, and each goes by itself.
const other = new OtherClient(url);
await other.connected();
told["shared"] = other.socket.io === (warned.client.socket.io as unknown);
other.close();
told["still"] = await warned.client.who();

// The token expires, and there is none until then: it comes back.
let over = false;
const late = follow((asked) => {
  if (asked > 1 && !over) {
    throw new Error("not yet");
  }
  return asked === 1 ? "brief" : "carl";
});
late.client.onStatus(({ error }) => (over ||= error?.reason === "expired"));
await speaksFor(late.client, "carl");
told["late"] = [late.path.includes("connecting unauthorized expired"), late.path.at(-1)];

// The server does not know at the moment.
const busy = follow(() => "busy");
await busy.client.connected();
told["busy"] = [...busy.path];

// The server wants something newer, and says when.
const stale = follow((asked) => (asked < 3 ? "stale" : "dora"));
await stale.client.connected();
told["stale"] = [...stale.path];

// Nobody signed in.
const nobody = follow(() => null);
told["nobody"] = [await failed(nobody.client.connected()), await failed(nobody.client.who()), [...nobody.path]];

// Taken back: it does not come back by itself.
const revoked = follow((asked) => `eve ${asked}`);
await revoked.client.connected();
const gone = new Promise<void>((resolve) => {
  const stop = revoked.client.onStatus(({ state }) => {
    if (state === "closed") {
      stop();
      resolve();
    }
  });
});
await failed(revoked.client.signOut());
await gone;
told["revoked"] = [[...revoked.path], await failed(revoked.client.who())];
revoked.client.connect();
told["again"] = [await failed(revoked.client.connected()), revoked.path.slice(3)];

// A page that did not come over HTTPS has no crypto.randomUUID.
Object.defineProperty(crypto, "randomUUID", { value: undefined });
const id = await lost.client.order({ id: "", what: "x" });
told["id"] = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);
told["mine"] = await lost.client.order({ id: "mine", what: "x" });
told["pointer"] = (await lost.client.orderAny({ what: "x" }))?.length;
told["null"] = await lost.client.orderAny(null);
told["short"] = await lost.client.orderShort({ what: "x" });

for (const { client } of [warned, lost, late, busy, stale, nobody, revoked]) {
  client.close();
}
told["closed"] = [words(lost.client.status), await failed(lost.client.connected())];

// Made without connecting.
const later = new SessionClient(url, { token: () => "fay", socket: { autoConnect: false } });
told["later"] = words(later.status);
later.connect();
told["fay"] = await later.who();
later.close();

console.log(JSON.stringify(told));
