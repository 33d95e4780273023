import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** Removes what an earlier build left in dist. placeholder.html is committed, so that the folder can be embedded before any build. */
function emptyDist(): Plugin {
  let dist = '';
  return {
    name: 'empty-dist',
    apply: 'build',
    configResolved(config) {
      dist = join(config.root, config.build.outDir);
    },
    buildStart() {
      for (const name of readdirSync(dist)) {
        if (name !== 'placeholder.html') rmSync(join(dist, name), { recursive: true });
      }
    },
  };
}

export default defineConfig({
  plugins: [emptyDist()],
  build: {
    target: 'es2022',
    emptyOutDir: false,
    // The pages' Content-Security-Policy allows no data: fonts and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` beside a server on its usual port.
    proxy: { '/socket.io': { target: 'http://localhost:3000', ws: true } },
  },
});
