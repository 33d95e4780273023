// The server sends what others write. One's own lines are shown when they have arrived.
import { connect, onPost, show } from "./chat.js";

const who = document.querySelector("#who");
const post = document.querySelector("#post");
const nickname = document.querySelector("#nickname");
const socket = connect("/project/chat");

// ask lets the nickname be written, before anything else is.
function ask(yes) {
  who.hidden = !yes;
  post.hidden = yes;
  (yes ? nickname : document.querySelector("#message")).focus();
}

who.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(false);
});

onPost(socket, {
  payload: (message) => ({ message, nickname: nickname.value.trim() }),
  sent: (message) => show(`나 : ${message}`, "line own"),
  failed: ({ code }) => {
    if (code === "conflict" || code === "invalid") ask(true); // the name, mostly
  },
});
ask(true);
