import type { Plugin } from 'vite';

/**
 * Leaflet looks by innerHTML whether the browser has SVG, at the moment it is loaded. The pages' policy
 * (trusted-types) forbids that, and every browser that the pages work in has it.
 */
export function leafletWithoutMarkup(): Plugin {
  const test = "div.innerHTML = '<svg/>';";
  return {
    name: 'leaflet-without-markup',
    transform(code, id) {
      if (!id.includes('/leaflet-src.esm.js')) return undefined;
      if (!code.includes(test)) throw new Error('leaflet: its test for SVG is not where it was');
      return { code: code.replace(test, 'return true;'), map: null };
    },
  };
}
