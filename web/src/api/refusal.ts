/** How the server says no, over HTTP, in acknowledgements, as the event `exception` and in CONNECT_ERROR. */
export interface Refusal {
  status: 'error';
  code: string;
  message: string;
  details?: unknown;
}

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && (answer as Refusal).status === 'error';
}

/** What is wrong with one field of an input: the details of a refusal with the code `invalid`. */
export interface FieldError {
  path: string;
  rule: string;
  param?: string;
  message: string;
}

export function fieldErrors(details: unknown): FieldError[] {
  if (!Array.isArray(details)) return [];
  return details.filter((d) => typeof d?.path === 'string' && typeof d?.rule === 'string');
}

/** Why somebody is not admitted: the details of a refusal with the code `unauthorized`. */
export function denialReason(details: unknown): string | undefined {
  const reason = (details as { reason?: unknown } | undefined)?.reason;
  return typeof reason === 'string' ? reason : undefined;
}

/** How long to wait before the next try, in milliseconds: in the details of `rate_limited`. */
export function retryAfter(details: unknown): number | undefined {
  const after = (details as { retryAfter?: unknown } | undefined)?.retryAfter;
  return typeof after === 'number' && after >= 0 ? after : undefined;
}
