// What is wrong with a name and a password: found here before anything is sent, or by the server.

import { ApiError } from '../../api/error';
import { fieldErrors, type FieldError } from '../../api/refusal';
import type { Credentials } from '../../api/contract';
import { errorText } from '../../text/errors';
import { text } from './text';

export type Mode = 'signIn' | 'register';

export const fields = ['name', 'password'] as const;

export type FieldName = (typeof fields)[number];

/** Words that are asked for at each drawing, so that they are in the language of the page. */
type Problem = () => string;

export interface Failure {
  fields: Partial<Record<FieldName, Problem>>;
  /** What is wrong with neither, or with both. */
  form?: Problem;
  /** When the next try may be made, in milliseconds. */
  retryAt?: number;
}

export const maxName = 64;
export const minPassword = 8;

/** What can be said without the server; undefined when that is nothing. */
export function check(mode: Mode, { name, password }: Credentials): Failure | undefined {
  const found: Failure = { fields: {} };
  if (name === '') found.fields.name = () => text().name.required;
  else if ([...name].length > maxName) found.fields.name = () => text().name.long(maxName);
  if (password === '') found.fields.password = () => text().password.required;
  // An old password may be shorter than a new one has to be.
  else if (mode === 'register' && [...password].length < minPassword) {
    found.fields.password = () => text().password.short(minPassword);
  }
  return Object.keys(found.fields).length > 0 ? found : undefined;
}

/** What the server's refusal says, or why there was none. */
export function failure(mode: Mode, error: unknown, now = Date.now()): Failure {
  if (!(error instanceof ApiError)) return { fields: {}, form: () => errorText(error) };
  switch (error.code) {
    case 'conflict':
      if (mode === 'register') return { fields: { name: () => text().name.taken } };
      break;
    case 'unauthorized':
    case 'forbidden':
      // Which of the two is wrong is not for everybody to know.
      if (mode === 'signIn') return { fields: {}, form: () => text().wrong };
      break;
    case 'rate_limited': {
      const retryAt = now + (error.retryAfter ?? 30_000);
      return { fields: {}, form: () => text().tooOften, retryAt };
    }
    case 'invalid': {
      const named = byField(fieldErrors(error.details));
      if (Object.keys(named).length > 0) return { fields: named };
      break;
    }
  }
  return { fields: {}, form: () => errorText(error) };
}

function byField(errors: FieldError[]): Failure['fields'] {
  const found: Failure['fields'] = {};
  for (const field of fields) {
    const error = errors.find((e) => e.path === field);
    if (error) found[field] = () => words(field, error);
  }
  return found;
}

function words(field: FieldName, { rule, param, message }: FieldError): string {
  const t = text()[field];
  const bound = Number(param);
  if (rule === 'required') return t.required;
  if (rule === 'max' && bound > 0) return t.long(bound);
  if (rule === 'min' && bound > 0) return t.short(bound);
  return message;
}
