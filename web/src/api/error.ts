import { KachiError } from '../live/gateways';
import type { Refusal } from './refusal';

/** Codes that the pages add to those of the server. */
export type LocalCode = 'unreachable' | 'timeout' | 'bad_answer' | 'signed_out';

/** A call of the HTTP API that failed: the server refused it, or it could not be asked. */
export class ApiError extends KachiError {
  /** The HTTP status; 0 where there was none. */
  readonly status: number;
  readonly #after: number | undefined;

  constructor(
    code: string,
    message: string,
    more: { details?: unknown; status?: number; retryAfter?: number } = {},
  ) {
    super(code, message, more.details);
    this.name = 'ApiError';
    this.status = more.status ?? 0;
    this.#after = more.retryAfter;
  }

  /** How long to wait before the next try, in milliseconds, where the server says so. */
  override get retryAfter(): number | undefined {
    return this.#after ?? super.retryAfter;
  }

  static local(code: LocalCode, cause?: unknown): ApiError {
    const error = new ApiError(code, code);
    error.cause = cause;
    return error;
  }

  static refused(refusal: Refusal, more: { status?: number; retryAfter?: number } = {}): ApiError {
    return new ApiError(refusal.code, refusal.message, { details: refusal.details, ...more });
  }

  /** The server was asked and does not know who asks, or does not want them. */
  get denied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** The caller has lost interest: nobody is to be told. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
