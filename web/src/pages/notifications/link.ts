import type { Notification } from '../../api/contract';
import { invitationOf } from './words';

/** Where a notification leads: to the room of an invitation; or data.url, if that is on this site. */
export function linkOf({ data }: Pick<Notification, 'data'>, origin = location.origin): string | undefined {
  const invitation = invitationOf(data);
  if (invitation) return `/chat/${encodeURIComponent(invitation.room)}`;
  const url = (data as { url?: unknown } | null | undefined)?.url;
  if (typeof url !== 'string') return undefined;
  try {
    const target = new URL(url, origin);
    if (target.origin !== origin || !/^https?:$/.test(target.protocol)) return undefined;
    return target.pathname + target.search + target.hash;
  } catch {
    return undefined;
  }
}
