// A client in a thread of its own, whose event loop is stopped when it is told to and
// goes on when the shared word changes.
import { parentPort, workerData } from "node:worker_threads";
import { io } from "socket.io-client";

const { url, options, word } = workerData;
const socket = io(url, { ...options, forceNew: true });
socket.on("connect", () => {
  parentPort.postMessage({ connect: socket.id });
  const { engine } = socket.io;
  const upgraded = () => parentPort.postMessage({ upgrade: true });
  if (engine.transport.name === "websocket") upgraded();
  else engine.once("upgrade", upgraded);
});
socket.on("disconnect", (reason) => parentPort.postMessage({ disconnect: reason }));
parentPort.on("message", (message) => {
  if (message === "freeze") {
    Atomics.store(word, 0, 1);
    Atomics.wait(word, 0, 1);
  } else {
    socket.disconnect();
    parentPort.close();
  }
});
