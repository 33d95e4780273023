import { describe, expect, it } from 'vitest';
import { ApiError } from '../../api/error';
import { check, failure } from './failure';

const good = { name: 'Mina', password: 'the nest is high' };

describe('what is typed', () => {
  it('is sent when nothing is missing', () => {
    expect(check('signIn', good)).toBeUndefined();
    expect(check('register', good)).toBeUndefined();
  });

  it('has to be there, and a new password long enough', () => {
    const empty = check('register', { name: '', password: '' })!;
    expect(empty.fields.name!()).toBe('Enter your name.');
    expect(empty.fields.password!()).toBe('Enter your password.');
    expect(check('register', { ...good, password: '까치까치까치까' })?.fields.password!()).toBe(
      'At least 8 characters.',
    );
    expect(check('signIn', { ...good, password: 'old' })).toBeUndefined();
    expect(check('signIn', { ...good, name: '🐦'.repeat(64) })).toBeUndefined();
    expect(check('signIn', { ...good, name: 'x'.repeat(65) })?.fields.name!()).toBe('At most 64 characters.');
  });
});

describe('what the server refuses', () => {
  const refused = (code: string, more = {}) => new ApiError(code, 'Server words', more);

  it('is said at the field that it is about', () => {
    expect(failure('register', refused('conflict', { status: 409 })).fields.name!()).toMatch(
      'has that name already',
    );
    const invalid = refused('invalid', {
      details: [
        { path: 'password', rule: 'min', param: '12', message: 'short' },
        { path: 'name', rule: 'charset', message: 'Letters only' },
        { path: 'elsewhere', rule: 'x', message: '' },
        'nonsense',
      ],
    });
    const { fields, form } = failure('register', invalid);
    expect(fields.password!()).toBe('At least 12 characters.');
    expect(fields.name!()).toBe('Letters only');
    expect(form).toBeUndefined();
  });

  it('does not say which of the two is wrong', () => {
    const { fields, form } = failure('signIn', refused('unauthorized', { status: 401 }));
    expect(fields).toEqual({});
    expect(form!()).toBe('The name or the password is not right.');
  });

  it('says when to try again', () => {
    const limited = failure('signIn', refused('rate_limited', { retryAfter: 5000 }), 1000);
    expect(limited).toMatchObject({ retryAt: 6000 });
    expect(failure('signIn', refused('rate_limited'), 1000).retryAt).toBe(31_000);
  });

  it('has words whatever it is', () => {
    expect(failure('signIn', ApiError.local('unreachable')).form!()).toBe('The server cannot be reached.');
    expect(failure('signIn', refused('teapot')).form!()).toBe('Something went wrong.');
    expect(failure('signIn', refused('constructor')).form!()).toBe('Something went wrong.');
    expect(failure('register', refused('invalid', { details: 'odd' })).form!()).toMatch('does not accept');
    expect(failure('signIn', new Error('bug')).form!()).toBe('Something went wrong.');
  });
});
