// Sharing where one is: what the device says, not more often than others need it.

import { signal, type ReadonlySignal } from '@preact/signals';
import { ApiError } from '../../api/error';
import type { Position } from './geometry';

export interface Fix extends Position {
  /** How far off it may be, in metres. */
  accuracy: number;
}

export type SharingState =
  | { kind: 'off' }
  /** The browser asks the user, or the device looks for where it is. */
  | { kind: 'looking' }
  /** `sent` is when the server last took a position; `error` why it did not take the one since. */
  | { kind: 'sharing'; fix: Fix; sent: number | undefined; error: unknown }
  /** The device has lost where it is; it goes on when it knows again. */
  | { kind: 'lost' }
  /** The user, or their administrator, does not allow it. */
  | { kind: 'denied' }
  /** The browser has no such thing, or not on a page without HTTPS. */
  | { kind: 'unsupported' };

/** A position is sent no more often than this, in milliseconds, */
const between = 5_000;
/** and this often although nothing has changed. */
const stillHere = 60_000;
/** Less far, in metres, is no movement. */
const movement = 5;
/** A position that may be this far off, in metres, is shared with a warning. */
export const rough = 1_000;

type Device = Pick<Geolocation, 'watchPosition' | 'clearWatch'>;

export class Sharing {
  readonly #device: Device | undefined;
  readonly #send: (fix: Fix) => Promise<unknown>;
  readonly #state = signal<SharingState>({ kind: 'off' });
  #watch: number | undefined;
  /** The last position that the server took, and when it was sent. */
  #taken: { fix: Fix; at: number } | undefined;
  #sending = false;
  /** Nothing is sent before this time. */
  #free = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` gives the server a position. */
  constructor(device: Device | undefined, send: (fix: Fix) => Promise<unknown>) {
    this.#device = device;
    this.#send = send;
  }

  get state(): ReadonlySignal<SharingState> {
    return this.#state;
  }

  start() {
    if (this.#watch !== undefined) return;
    if (!this.#device) {
      this.#state.value = { kind: 'unsupported' };
      return;
    }
    this.#state.value = { kind: 'looking' };
    this.#taken = undefined;
    this.#watch = this.#device.watchPosition(
      ({ coords }) => this.#found(coords),
      (error) => this.#missed(error),
      { enableHighAccuracy: true, maximumAge: 5_000, timeout: 30_000 },
    );
  }

  stop() {
    this.#end();
    this.#state.value = { kind: 'off' };
  }

  #end() {
    if (this.#watch !== undefined) this.#device?.clearWatch(this.#watch);
    this.#watch = undefined;
    clearTimeout(this.#timer);
  }

  #found({ latitude, longitude, accuracy }: Fix) {
    if (this.#watch === undefined) return;
    const before = this.#state.peek();
    this.#state.value = {
      kind: 'sharing',
      fix: { latitude, longitude, accuracy },
      sent: this.#taken?.at,
      error: before.kind === 'sharing' ? before.error : undefined,
    };
    this.#plan();
  }

  #missed(error: GeolocationPositionError) {
    if (this.#watch === undefined) return;
    if (error.code !== 1) {
      clearTimeout(this.#timer);
      this.#state.value = { kind: 'lost' };
      return;
    }
    this.#end();
    this.#state.value = { kind: 'denied' };
  }

  /** Decides when the position is sent that is known now. */
  #plan() {
    clearTimeout(this.#timer);
    const state = this.#state.peek();
    if (state.kind !== 'sharing' || this.#sending) return;
    const still = this.#taken && distance(this.#taken.fix, state.fix) < movement;
    const due = Math.max(this.#free, still ? this.#taken!.at + stillHere : 0);
    this.#timer = setTimeout(() => void this.#tell(), Math.max(0, due - Date.now()));
  }

  async #tell() {
    const state = this.#state.peek();
    const watch = this.#watch;
    if (state.kind !== 'sharing') return;
    const at = Date.now();
    this.#sending = true;
    this.#free = at + between;
    let error: unknown;
    try {
      await this.#send(state.fix);
      if (watch === this.#watch) this.#taken = { fix: state.fix, at };
    } catch (e) {
      error = e;
      const wait = e instanceof ApiError ? e.retryAfter : undefined;
      this.#free = Math.max(this.#free, Date.now() + (wait ?? 0));
    }
    this.#sending = false;
    const now = this.#state.peek();
    if (now.kind === 'sharing') this.#state.value = { ...now, sent: this.#taken?.at, error };
    this.#plan();
  }
}

/** How far two places are from each other, in metres, on a sphere. */
export function distance(a: Position, b: Position): number {
  const rad = Math.PI / 180;
  const north = Math.sin(((b.latitude - a.latitude) * rad) / 2);
  const east = Math.sin(((b.longitude - a.longitude) * rad) / 2);
  const h = north * north + Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * east * east;
  return 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(h)));
}
