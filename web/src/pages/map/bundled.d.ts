// What the build makes or finds for the map. `leaflet` itself is the form of Leaflet that cannot be divided.

declare module 'virtual:world-110m' {
  const address: string;
  export default address;
}

declare module 'virtual:world-50m' {
  const address: string;
  export default address;
}

declare module 'leaflet/dist/leaflet-src.esm.js' {
  export * from 'leaflet';
}
