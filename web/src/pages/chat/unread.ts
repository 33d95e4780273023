import { signal } from '@preact/signals';

/** In how many rooms there is something new: the number in the navigation and in the window's title. */
export const unread = signal(0);
