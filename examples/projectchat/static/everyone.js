// Everybody reads what everybody writes: the server sends one's own lines, too.
import { connect, onPost } from "./chat.js";

onPost(connect("/"), { payload: (text) => text });
