// A Socket.IO server that does nothing: what the reference implementation takes to start and
// to rest, for the benchmark of this one's start.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
new Server(http);
http.listen(0, "127.0.0.1", () => console.log(`at http://127.0.0.1:${http.address().port}`));
