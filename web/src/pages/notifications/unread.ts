import { signal } from '@preact/signals';

/** How many notifications have not been read: the number in the navigation and in the window's title. */
export const unread = signal(0);
