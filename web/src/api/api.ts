import { ApiError } from './error';
import type { Answer, CallName, Input } from './contract';
import type { Send, Sending } from './request';

/** Who makes the calls. */
export interface Caller {
  /** A token that should do, renewed before if it is about to expire. */
  fresh(): Promise<string>;
  /** A token other than the one that was refused. */
  renew(refused: string): Promise<string>;
}

/** The API for somebody who is signed in. */
export class Api {
  readonly #send: Send;
  readonly #caller: Caller;

  constructor(send: Send, caller: Caller) {
    this.#send = send;
    this.#caller = caller;
  }

  /**
   * Makes a call. A token that the server refuses is renewed once, and the call made once more: the
   * server has done nothing of the first. Fails with an ApiError, or with the reason of the signal.
   */
  async call<N extends CallName>(name: N, input: Input<N> & Omit<Sending, 'token'>): Promise<Answer<N>> {
    const token = await this.#caller.fresh();
    try {
      return (await this.#send(name, { ...input, token })).answer;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    const renewed = await this.#caller.renew(token);
    input.signal?.throwIfAborted();
    return (await this.#send(name, { ...input, token: renewed })).answer;
  }
}
