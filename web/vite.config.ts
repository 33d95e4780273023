import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { leafletByThePolicy } from './scripts/leaflet.ts';
import { worldMaps } from './scripts/world.ts';

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

/** In development every address of a page leads to index.html, as the server does it. */
function pageAddresses(): Plugin {
  return {
    name: 'page-addresses',
    configureServer(server) {
      server.middlewares.use((request, _, next) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname;
        const asksForPage = request.headers.accept?.includes('text/html');
        if (asksForPage && path !== '/' && !path.includes('.') && !served.some((s) => path.startsWith(s))) {
          request.url = '/index.html';
        }
        next();
      });
    },
  };
}

/** What the server serves besides the pages. */
const served = ['/api', '/docs', '/socket.io'];

export default defineConfig({
  plugins: [emptyDist(), pageAddresses(), worldMaps(), leafletByThePolicy()],
  build: {
    target: 'es2022',
    emptyOutDir: false,
    // The pages' Content-Security-Policy allows no data: fonts and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` beside a server on its usual port.
    proxy: Object.fromEntries(served.map((path) => [path, { target: 'http://localhost:3000', ws: true }])),
  },
});
