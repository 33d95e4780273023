// The same in a namespace of its own.
import { connect, onPost } from "./chat.js";

onPost(connect("/project/chat"), { payload: (text) => text });
