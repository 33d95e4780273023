// What notifications of the server's own parts say, in the reader's language. Others say what their senders wrote.

import type { Notification } from '../../api/contract';
import { dictionary } from '../../text/dictionary';

const text = dictionary({
  en: {
    invitation: (room: string) => `Invitation to ${room}`,
    invitedBy: (name: string) => `${name} has invited you.`,
  },
  ko: {
    invitation: (room) => `${room} 초대`,
    invitedBy: (name) => `${name} 님이 초대했습니다.`,
  },
});

/** A room that the user was invited to: the data of the kind `invitation`. */
export interface Invitation {
  room: string;
  name: string;
  by: { userName: string };
}

export function invitationOf(data: unknown): Invitation | undefined {
  const d = data as (Partial<Invitation> & { kind?: unknown }) | null | undefined;
  const known =
    d?.kind === 'invitation' &&
    typeof d.room === 'string' &&
    typeof d.name === 'string' &&
    typeof d.by?.userName === 'string';
  return known ? (d as Invitation) : undefined;
}

export function wordsOf(n: Pick<Notification, 'title' | 'body' | 'data'>): { title: string; body: string } {
  const invitation = invitationOf(n.data);
  if (!invitation) return n;
  const t = text();
  return { title: t.invitation(invitation.name), body: t.invitedBy(invitation.by.userName) };
}
