// Words for what can go wrong, by the codes of the server and of the pages themselves.

import { KachiError } from '../live/gateways';
import { dictionary } from './dictionary';

export const errorWords = dictionary({
  en: {
    bad_answer: 'The server gave an answer that this page does not understand.',
    bad_request: 'The server does not accept that.',
    conflict: 'Somebody else has changed it in the meantime.',
    disconnected: 'The connection was lost.',
    forbidden: 'You are not allowed to do that.',
    full: 'There is no room for more.',
    internal: 'Something went wrong on the server.',
    invalid: 'The server does not accept that.',
    not_found: 'There is no such thing any more.',
    overloaded: 'That was too much at once. Try again in a moment.',
    rate_limited: 'That was too often. Try again in a moment.',
    room_full: 'The room is full, or whom you want to bring is in too many rooms.',
    signed_out: 'You are signed out.',
    timeout: 'The server did not answer in time.',
    too_large: 'That is too large.',
    too_many_rooms: 'You are in too many rooms. Leave one first.',
    unauthorized: 'Please sign in again.',
    unavailable: 'The server cannot do that at the moment. Try again later.',
    unreachable: 'The server cannot be reached.',
    unknown: 'Something went wrong.',
  },
  ko: {
    bad_answer: '서버의 응답을 이해할 수 없습니다.',
    bad_request: '서버가 받아들이지 않는 내용입니다.',
    conflict: '그사이에 다른 사람이 내용을 바꾸었습니다.',
    disconnected: '연결이 끊겼습니다.',
    forbidden: '권한이 없습니다.',
    full: '더 이상 추가할 수 없습니다.',
    internal: '서버에서 문제가 생겼습니다.',
    invalid: '서버가 받아들이지 않는 내용입니다.',
    not_found: '더 이상 찾을 수 없습니다.',
    overloaded: '한꺼번에 너무 많은 요청을 보냈습니다. 잠시 후 다시 시도해 주세요.',
    rate_limited: '너무 자주 시도했습니다. 잠시 후 다시 시도해 주세요.',
    room_full: '대화방이 가득 찼거나 상대가 너무 많은 대화방에 있습니다.',
    signed_out: '로그아웃되었습니다.',
    timeout: '서버가 제때 응답하지 않았습니다.',
    too_large: '내용이 너무 큽니다.',
    too_many_rooms: '참여한 대화방이 너무 많습니다. 먼저 한 곳에서 나와 주세요.',
    unauthorized: '다시 로그인해 주세요.',
    unavailable: '지금은 서버에서 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.',
    unreachable: '서버에 연결할 수 없습니다.',
    unknown: '문제가 생겼습니다.',
  },
});

/** What to tell the user of an error, whatever it is. */
export function errorText(error: unknown): string {
  return codeText(error instanceof KachiError ? error.code : 'unknown');
}

/** What to tell the user of a code. */
export function codeText(code: string): string {
  const words: Readonly<Record<string, string>> = errorWords();
  return (Object.hasOwn(words, code) && words[code]) || errorWords().unknown;
}
