// Notifications by the browser, for while the page is not looked at. Only whoever asks for them gets them.

import { signal } from '@preact/signals';
import type { Notification as Item } from '../../api/contract';
import { forget, keep, kept } from '../../kept';

export type Desktop =
  /** This browser has none, or not for pages without HTTPS. */
  | 'unsupported'
  | 'off'
  | 'asking'
  | 'on'
  /** The user has told the browser to refuse, and only they can change that, there. */
  | 'blocked';

const storageKey = 'desktop-notifications';

function now(): Desktop {
  if (typeof Notification === 'undefined' || !isSecureContext) return 'unsupported';
  if (Notification.permission === 'denied') return 'blocked';
  return Notification.permission === 'granted' && kept(storageKey) !== null ? 'on' : 'off';
}

export const desktop = signal<Desktop>('off');

/** The user may have changed their mind in the browser's settings. */
export function lookAtPermission() {
  if (desktop.peek() !== 'asking') desktop.value = now();
}

/** Asks the browser, which asks the user: only at a click of theirs. */
export async function turnOn() {
  desktop.value = 'asking';
  try {
    if ((await Notification.requestPermission()) === 'granted') keep(storageKey, '1');
  } catch {
    // It stays as it was.
  }
  desktop.value = now();
}

export function turnOff() {
  forget(storageKey);
  desktop.value = now();
}

/** Shows it, if the user wants that and does not see the page. Tabs of one browser show it once: the tag is the same. */
export function showOnDesktop(item: Item, open: () => void) {
  if (document.visibilityState === 'visible' || now() !== 'on') return;
  try {
    const shown = new Notification(item.title, {
      body: item.body,
      tag: `kachi-${item.id}`,
      icon: '/icon.svg',
    });
    shown.onclick = () => {
      window.focus();
      shown.close();
      open();
    };
  } catch {
    // Browsers of phones have the interface and refuse.
    desktop.value = 'unsupported';
  }
}
