// What is drawn for a conversation: messages under the name of who wrote them, days, and where the new ones begin.

import type { Outgoing } from './conversation';
import type { Message } from './timeline';

/** What became of a message that was written here: `sent` is stored, `seen` was looked at by somebody. */
export type Delivery = Outgoing['delivery'] | 'sent' | 'seen';

export interface MessageRow {
  kind: 'message';
  key: string;
  message: Message | undefined;
  /** Set while the server does not have it. */
  outgoing: Outgoing | undefined;
  own: boolean;
  /** The first and the last of what one person wrote in one go. */
  first: boolean;
  last: boolean;
}

export type Row = MessageRow | { kind: 'day'; key: string; at: number } | { kind: 'new'; key: 'new' };

/** Messages of one sender within this time, in milliseconds, stand together. */
const together = 3 * 60_000;

/**
 * The rows from the oldest to the newest. `unreadAfter` is the seq of the last message that the user had
 * seen when they came; undefined shows no mark.
 */
export function rows(
  messages: readonly Message[],
  outgoing: readonly Outgoing[],
  me: string,
  unreadAfter: number | undefined,
): Row[] {
  const all: Row[] = [];
  let before: { sender: string; at: number; row: MessageRow } | undefined;
  let day = '';
  let marked = unreadAfter === undefined;
  const add = (sender: string, at: number, row: Omit<MessageRow, 'first' | 'last' | 'kind'>) => {
    const its = new Date(at).toDateString();
    if (its !== day) {
      all.push({ kind: 'day', key: `day ${its}`, at });
      before = undefined;
    }
    day = its;
    const m = row.message;
    if (!marked && m && !row.own && m.seq > unreadAfter!) {
      marked = true;
      all.push({ kind: 'new', key: 'new' });
      before = undefined;
    }
    const continued = before !== undefined && before.sender === sender && at - before.at < together;
    if (continued) before!.row.last = false;
    const added: MessageRow = { kind: 'message', ...row, first: !continued, last: true };
    all.push(added);
    before = { sender, at, row: added };
  };
  for (const m of messages) {
    add(m.sender.userId, m.at, { key: m.key, message: m, outgoing: undefined, own: m.sender.userId === me });
  }
  for (const o of outgoing) {
    // Clocks differ: what has been written last does not stand on an earlier day than what it answers.
    const at = Math.max(o.at, messages.at(-1)?.at ?? 0);
    add(me, at, { key: o.key, message: undefined, outgoing: o, own: true });
  }
  return all;
}
