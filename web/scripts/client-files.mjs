// Copies the browser builds of socket.io-client out of node_modules, for the server to
// embed and serve. They are third-party code and are not committed.

import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const names = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '../../clientfiles/files');
const manifest = createRequire(import.meta.url).resolve('socket.io-client/package.json');
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

mkdirSync(target, { recursive: true });
for (const name of readdirSync(target)) {
  if (name !== 'placeholder.txt') rmSync(join(target, name));
}
for (const name of names.flatMap((name) => [name, `${name}.map`])) {
  copyFileSync(join(dirname(manifest), 'dist', name), join(target, name));
}
writeFileSync(join(target, 'VERSION'), `${version}\n`);
console.log(`client files: socket.io-client ${version}`);
