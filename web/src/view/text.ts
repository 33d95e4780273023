// Every word of the page, in each of its languages.

import type { Language } from '../text/languages';

export { pickLanguage, type Language } from '../text/languages';

const en = {
  tagline: 'Pick a name, enter a room, talk.',
  name: 'Your name',
  room: 'Room',
  enter: 'Enter',
  entering: 'Entering…',
  leave: 'Leave',
  people: 'People',
  you: 'you',
  conversation: 'Conversation',
  empty: 'Nobody has written yet. Say hello.',
  write: 'Write a message',
  writeHint: 'Enter sends, Shift+Enter makes a new line.',
  send: 'Send',
  newMessages: 'New messages',
  language: '한국어',
  connecting: 'Connecting…',
  connected: 'Connected',
  offline: 'You are offline. What you write is kept and sent when you are back.',
  unreachable: (attempt: number) =>
    attempt > 0
      ? `The server cannot be reached. Trying again (${attempt})…`
      : 'The connection was lost. Trying again…',
  refused: (why: string) => `The server ended the connection: ${why}`,
  tryAgain: 'Try again',
  joined: (name: string) => `${name} came in`,
  left: (name: string) => `${name} left`,
  away: (from: string, to: string) =>
    `You were away from ${from} to ${to}. What others wrote then is not shown.`,
  typing: (names: string[]) =>
    names.length === 1
      ? `${names[0]} is writing…`
      : names.length === 2
        ? `${names[0]} and ${names[1]} are writing…`
        : 'Several people are writing…',
  waiting: 'Waiting for the connection',
  sending: 'Sending…',
  delivered: 'Delivered',
  failed: 'Not sent',
  retry: 'Try again',
  discard: 'Remove',
  tooManyWaiting: 'Too many messages wait for the connection already.',
  tooLong: (n: number) => `${n} characters too many`,
  noClient: 'The Socket.IO client could not be loaded from the server.',
  reasons: {
    no_answer: 'no answer from the server',
    name_taken: 'Somebody in this room has that name. Choose another one.',
    invalid: 'That is not allowed.',
    bad_request: 'That is not allowed.',
    too_many_rooms: 'You are in too many rooms.',
    room_full: 'This room is full.',
    busy: 'The server has too many rooms. Try again later.',
    not_found: 'You are not in this room any more.',
    overloaded: 'too many messages at once',
    disconnected: 'you were disconnected',
    refused: 'the connection was refused',
    internal: 'something went wrong on the server',
  } as Record<string, string>,
};

export type Text = typeof en;

const ko: Text = {
  tagline: '이름을 정하고, 방에 들어가, 이야기를 나누세요.',
  name: '이름',
  room: '방',
  enter: '들어가기',
  entering: '들어가는 중…',
  leave: '나가기',
  people: '참여자',
  you: '나',
  conversation: '대화',
  empty: '아직 아무도 글을 남기지 않았습니다. 먼저 인사해 보세요.',
  write: '메시지 쓰기',
  writeHint: 'Enter로 보내고, Shift+Enter로 줄을 바꿉니다.',
  send: '보내기',
  newMessages: '새 메시지',
  language: 'English',
  connecting: '연결하는 중…',
  connected: '연결됨',
  offline: '오프라인입니다. 쓰신 글은 보관했다가 다시 연결되면 보냅니다.',
  unreachable: (attempt) =>
    attempt > 0
      ? `서버에 연결할 수 없습니다. 다시 시도하는 중 (${attempt}번째)…`
      : '연결이 끊겼습니다. 다시 연결하는 중…',
  refused: (why) => `서버가 연결을 끊었습니다: ${why}`,
  tryAgain: '다시 시도',
  joined: (name) => `${name} 님이 들어왔습니다`,
  left: (name) => `${name} 님이 나갔습니다`,
  away: (from, to) =>
    `${from}부터 ${to}까지 연결이 끊겨 있었습니다. 그동안 다른 사람이 쓴 글은 표시되지 않습니다.`,
  typing: (names) =>
    names.length === 1
      ? `${names[0]} 님이 쓰는 중…`
      : names.length === 2
        ? `${names[0]} 님과 ${names[1]} 님이 쓰는 중…`
        : '여러 사람이 쓰는 중…',
  waiting: '연결을 기다리는 중',
  sending: '보내는 중…',
  delivered: '전달됨',
  failed: '보내지 못함',
  retry: '다시 보내기',
  discard: '지우기',
  tooManyWaiting: '연결을 기다리는 메시지가 너무 많습니다.',
  tooLong: (n) => `${n}자 초과`,
  noClient: '서버에서 Socket.IO 클라이언트를 불러오지 못했습니다.',
  reasons: {
    no_answer: '서버가 응답하지 않음',
    name_taken: '이 방에 같은 이름을 쓰는 사람이 있습니다. 다른 이름을 골라 주세요.',
    invalid: '허용되지 않는 내용입니다.',
    bad_request: '허용되지 않는 내용입니다.',
    too_many_rooms: '너무 많은 방에 들어가 있습니다.',
    room_full: '방이 가득 찼습니다.',
    busy: '서버에 방이 너무 많습니다. 잠시 후 다시 시도해 주세요.',
    not_found: '더 이상 이 방에 있지 않습니다.',
    overloaded: '한꺼번에 너무 많은 메시지를 보냄',
    disconnected: '연결이 끊겼습니다',
    refused: '연결이 거부되었습니다',
    internal: '서버에서 문제가 생겼습니다',
  },
};

export const texts: Record<Language, Text> = { en, ko };

export function reasonText(t: Text, code: string, fallback = ''): string {
  return t.reasons[code] ?? (fallback || code);
}
