// Runs socket.io-client's back-off over the draws given on standard input, and writes the
// pauses: [{min, max, jitter, draws}…] → [[ms…]…].
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

// It is not exported.
const require = createRequire(import.meta.url);
const { Backoff } = require(join(dirname(require.resolve("socket.io-client")), "contrib/backo2.js"));

const answers = JSON.parse(await text(process.stdin)).map(({ draws, ...options }) => {
  const backoff = new Backoff(options);
  return draws.map((draw) => {
    Math.random = () => draw;
    return backoff.duration();
  });
});
process.stdout.write(JSON.stringify(answers));
