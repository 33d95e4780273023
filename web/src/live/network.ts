import { signal } from '@preact/signals';

/** Whether the browser believes that there is a network. */
export const online = signal(globalThis.navigator?.onLine ?? true);

/** Follows the browser's belief. To be called once. */
export function watchNetwork(target: Pick<Window, 'addEventListener'> = window) {
  target.addEventListener('online', () => (online.value = true));
  target.addEventListener('offline', () => (online.value = false));
}
