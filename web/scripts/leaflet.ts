import type { Plugin } from 'vite';

/** What Leaflet does against the pages' policy, and what it does instead. */
const replaced: readonly (readonly [its: string, ours: string])[] = [
  // It looks by innerHTML whether the browser has SVG, at the moment it is loaded (trusted-types). Every browser
  // that the pages work in has it.
  ["div.innerHTML = '<svg/>';", 'return true;'],
  // A tile that is no longer wanted shows this picture (img-src has no data:). Without an address it shows none.
  [
    "var emptyImageUrl = 'data:image/gif;base64,R0lGODlhAQABAAD/ACwAAAAAAQABAAACADs=';",
    "var emptyImageUrl = '';",
  ],
];

/** Takes out of Leaflet what the pages' policy forbids. */
export function leafletByThePolicy(): Plugin {
  return {
    name: 'leaflet-by-the-policy',
    transform(code, id) {
      if (!id.includes('/leaflet-src.esm.js')) return undefined;
      for (const [its, ours] of replaced) {
        if (!code.includes(its)) throw new Error(`leaflet: this is not where it was: ${its}`);
        code = code.replace(its, ours);
      }
      return { code, map: null };
    },
  };
}
