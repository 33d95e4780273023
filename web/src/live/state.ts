/** How a namespace stands with the server. */
export type LinkState =
  /** Nobody on the page needs it. */
  | { kind: 'closed' }
  | { kind: 'connecting' }
  | { kind: 'online' }
  /** The connection was lost, or was never made; it is tried again. `attempt` is 0 before the first try. */
  | { kind: 'reconnecting'; attempt: number }
  /** There is no network. It comes back by itself with that. */
  | { kind: 'offline' }
  /** The server does not want it; it stays so until `tryAgain`. */
  | { kind: 'refused'; code: string; message: string }
  /** Nobody is signed in any more. */
  | { kind: 'expired' };

const order: readonly LinkState['kind'][] = [
  'closed',
  'online',
  'connecting',
  'reconnecting',
  'offline',
  'refused',
  'expired',
];

/** The state that the user should know of: the worst. */
export function worst(states: readonly LinkState[]): LinkState {
  return states.reduce<LinkState>((a, b) => (order.indexOf(b.kind) > order.indexOf(a.kind) ? b : a), {
    kind: 'closed',
  });
}
