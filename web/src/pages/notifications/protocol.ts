// The namespace /notifications.

import type { Notification, NotificationState } from '../../api/contract';
import type { Refusal } from '../../api/refusal';

/** A notification, with the state that it leads to. */
export type Told = Notification & NotificationState;

/** What was read on another device: some, or all up to one. */
export interface ReadElsewhere extends NotificationState {
  ids?: string[];
  upTo?: string;
  readAt: string;
}

export interface FromServer {
  notification: (told: Told) => void;
  read: (read: ReadElsewhere) => void;
  unread: (state: NotificationState) => void;
}

export interface ToServer {
  subscribeToNotifications: (answer: (state: NotificationState | Refusal) => void) => void;
}
