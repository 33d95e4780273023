import { check, equal, next, ok, run } from "./harness.mjs";

check("everyone: what one writes all read", async (a) => {
  const [one, other] = [await a.connect("/"), await a.connect("/")];
  const line = `client-${one.id.substring(0, 4)} : hello`;
  const told = Promise.all([next(one, "message"), next(other, "message")]);
  equal(await one.emitWithAck("message", "hello"), undefined);
  equal(await told, [[line], [line]]);
});

check("project: the same in a namespace of its own", async (a) => {
  const [one, other, outside] = [await a.connect("/project/chat"), await a.connect("/project/chat"), await a.connect("/")];
  const line = `User-${one.id.substring(0, 4)} : hello`;
  const told = Promise.all([next(one, "message"), next(other, "message")]);
  one.emit("message", "hello");
  equal(await told, [[line], [line]]);
  await outside.emitWithAck("message", "settled");
  equal(outside.heard.message.length, 1);
});

check("nickname: all others read it", async (a) => {
  const [one, other] = [await a.connect("/project/chat"), await a.connect("/project/chat")];
  const told = next(other, "message");
  equal(await one.emitWithAck("message", { message: "hello", nickname: "Mina" }), undefined);
  equal(await told, ["Mina: hello"]);
  equal(one.heard, {});
});

check("a nickname is one socket's own, and a payload that is none is an error for its sender", async (a) => {
  const [mina, spy] = [await a.connect("/project/chat"), await a.connect("/project/chat")];
  equal(await mina.emitWithAck("message", { message: "x", nickname: "Hana" }), undefined);
  equal((await spy.emitWithAck("message", { message: "x", nickname: "hana" })).code, "conflict");
  equal((await mina.emitWithAck("message", { message: "x", nickname: "Other" })).code, "forbidden");
  for (const payload of [null, 7, [], {}, { message: "x" }, { message: "x", nickname: null }, { message: {}, nickname: "N" },
    { message: "x", nickname: "N", admin: true }]) {
    const answer = await spy.emitWithAck("message", payload);
    equal([answer.status, answer.code], ["error", "bad_request"], JSON.stringify(payload));
  }
  for (const nickname of ["x".repeat(21), " N", "Mina: hi", "a\u202eb", "a\nb"]) {
    equal((await spy.emitWithAck("message", { message: "x", nickname })).code, "invalid", nickname);
  }
  equal(spy.heard.message, [["Hana: x"]]);
  mina.disconnect();
  let answer;
  do answer = await spy.emitWithAck("message", { message: "mine", nickname: "Hana" });
  while (answer?.code === "conflict" || answer?.code === "rate_limited"); // until the server has noticed
  equal(answer, undefined);
});

check("server-side limits", async (a) => {
  const socket = await a.connect("/");
  equal((await socket.emitWithAck("message", "x".repeat(501))).code, "invalid");
  const answers = await Promise.all(Array.from({ length: 40 }, () => socket.emitWithAck("message", "flood")));
  ok(answers.some((answer) => answer?.code === "rate_limited"), "no limit");
});

run();
