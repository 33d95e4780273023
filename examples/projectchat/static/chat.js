// What the three pages share. Whatever comes from people is text: nothing is parsed as
// HTML, which the page's policy forbids besides.

const link = document.querySelector("#link");
const lines = document.querySelector("#chat");
const form = document.querySelector("#post");
const input = document.querySelector("#message");

// show adds a line.
export function show(text, kind = "line") {
  const line = document.createElement("div");
  line.className = kind;
  line.textContent = text;
  lines.append(line);
  line.scrollIntoView({ block: "nearest" });
}

// connect shows how the socket stands, and what it hears.
export function connect(namespace) {
  const socket = io(namespace); // of the server that the page is from
  const say = (state, text) => {
    link.dataset.state = state;
    link.textContent = text;
  };
  socket.on("connect", () => say("connected", "Connected"));
  socket.on("disconnect", () => say("disconnected", "The connection is lost. Trying again…"));
  socket.on("connect_error", (error) => {
    say("refused", socket.active ? "The server cannot be reached. Trying again…" : `Not connected: ${error.message}`);
  });
  socket.on("message", (text) => show(text));
  return socket;
}

// deliver sends a message, and returns when the server has taken it.
async function deliver(socket, payload) {
  if (!socket.connected) throw new Error("There is no connection");
  const answer = await socket.timeout(5000).emitWithAck("message", payload);
  if (answer?.status === "error") throw Object.assign(new Error(answer.message), answer);
}

// onPost sends what is written in the form. payload makes of a text what is sent; sent is
// called when it has arrived, failed when it has not: then it is still in the form.
export function onPost(socket, { payload, sent = () => {}, failed = () => {} }) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value;
    input.readOnly = true;
    try {
      await deliver(socket, payload(text));
      input.value = "";
      sent(text);
    } catch (error) {
      show(`Not sent: ${error.message}`, "failed");
      failed(error);
    } finally {
      input.readOnly = false;
      input.focus();
    }
  });
}
