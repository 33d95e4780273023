import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket } from './fake-socket';
import { Session } from './session';
import { maxLines, maxPending, type MessageLine } from './state';

const mina = { userId: 'u1', userName: 'Mina' };
const jun = { userId: 'u2', userName: 'Jun' };

let socket: FakeSocket;
let session: Session;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-02T03:04:05Z') });
  socket = new FakeSocket();
  let ids = 0;
  session = new Session(
    socket.asSocket(),
    () => {},
    () => `c${++ids}`,
  );
});
afterEach(() => vi.useRealTimers());

function entered() {
  socket.comesUp();
  session.enter('Mina', 'nest');
  letIn();
}

function letIn(members = [mina, jun]) {
  const [join] = socket.take('join');
  expect(join?.body).toEqual({ name: 'Mina', room: 'nest' });
  join!.answer({ room: 'nest', members, user: mina });
}

function messages(): MessageLine[] {
  return session.state.lines.filter((l) => l.kind === 'message');
}

function deliveries() {
  return messages().map((m) => m.delivery);
}

function says(id: string, message: string, room = 'nest') {
  socket.fire('message', { id, room, sender: jun, message, sentAt: '2026-01-02T03:04:06Z' });
}

describe('entering', () => {
  it('waits for the connection, then joins', () => {
    session.enter('Mina', 'nest');
    expect(socket.take('join')).toEqual([]);
    socket.comesUp();
    letIn();
    expect(session.state).toMatchObject({ entering: false, room: 'nest', me: mina, members: [mina, jun] });
  });

  it('goes back to the door with the reason when the room refuses', () => {
    socket.comesUp();
    session.enter('Mina', 'nest');
    socket.take('join')[0]!.answer({ status: 'error', code: 'name_taken', message: 'taken' });
    expect(session.state).toMatchObject({ entering: false, room: undefined, entryError: 'name_taken' });
  });

  it('asks again when the server does not answer', () => {
    socket.comesUp();
    session.enter('Mina', 'nest');
    socket.take('join')[0]!.fail();
    letIn();
    expect(session.state.entering).toBe(false);
  });

  it('ignores the answer for a room that was left meanwhile', () => {
    socket.comesUp();
    session.enter('Mina', 'nest');
    session.leave();
    letIn();
    expect(session.state.members).toEqual([]);
  });
});

describe('the others', () => {
  it('shows who came and went', () => {
    entered();
    socket.fire('userLeft', { room: 'nest', ...jun });
    socket.fire('userJoined', { room: 'nest', userId: 'u3', userName: 'Theo' });
    expect(session.state.members.map((m) => m.userName)).toEqual(['Mina', 'Theo']);
    expect(session.state.lines.map((l) => l.kind)).toEqual(['left', 'joined']);
  });

  it('shows a message once, and none of another room', () => {
    entered();
    says('m1', 'hello');
    says('m1', 'hello');
    says('m2', 'elsewhere', 'other');
    expect(messages().map((m) => m.text)).toEqual(['hello']);
  });

  it('shows who is writing until they have written or stopped', () => {
    entered();
    socket.fire('typing', { room: 'nest', ...jun });
    expect(session.state.typing).toEqual([jun]);
    says('m1', 'hello');
    expect(session.state.typing).toEqual([]);
    socket.fire('typing', { room: 'nest', ...jun });
    vi.advanceTimersByTime(5_000);
    expect(session.state.typing).toEqual([]);
  });

  it('keeps a bounded number of lines, and all that are not delivered', () => {
    entered();
    session.send('not answered yet');
    for (let i = 0; i < maxLines + 10; i++) says(`m${i}`, 'x');
    expect(session.state.lines.length).toBeLessThanOrEqual(maxLines + 1);
    expect(messages()[0]?.text).toBe('not answered yet');
  });
});

describe('a message of one’s own', () => {
  it('is delivered when the server says so', () => {
    entered();
    session.send('hello');
    expect(deliveries()).toEqual(['sending']);
    const [sent] = socket.take('message');
    expect(sent?.body).toEqual({ room: 'nest', message: 'hello', clientId: 'c1' });
    sent!.answer({ id: 'm1', sentAt: '2026-01-02T03:04:07Z' });
    expect(messages()[0]).toMatchObject({ delivery: 'delivered', id: 'm1' });
  });

  it('fails with the reason, and can be tried again under the same id', () => {
    entered();
    session.send('hello');
    socket.take('message')[0]!.answer({ status: 'error', code: 'overloaded', message: '' });
    expect(messages()[0]).toMatchObject({ delivery: 'failed', reason: 'overloaded' });
    session.retry('c1');
    const [again] = socket.take('message');
    expect(again?.body).toMatchObject({ clientId: 'c1' });
    again!.answer({ id: 'm1', sentAt: '2026-01-02T03:04:07Z' });
    expect(deliveries()).toEqual(['delivered']);
  });

  it('can be removed after it failed', () => {
    entered();
    session.send('hello');
    socket.take('message')[0]!.fail();
    session.discard('c1');
    expect(messages()).toEqual([]);
  });

  it('waits while offline and goes out once, in order, after the return', () => {
    entered();
    socket.goesDown();
    session.send('one');
    session.send('two');
    expect(deliveries()).toEqual(['waiting', 'waiting']);
    expect(socket.sent).toEqual([]);
    socket.comesUp();
    expect(socket.take('message')).toEqual([]); // not before the room is entered again
    letIn();
    expect(socket.take('message').map((s) => s.body)).toEqual([
      { room: 'nest', message: 'one', clientId: 'c1' },
      { room: 'nest', message: 'two', clientId: 'c2' },
    ]);
  });

  it('goes out again, under the same id, when the connection ended before the answer', () => {
    entered();
    session.send('hello');
    const [first] = socket.take('message');
    socket.goesDown();
    first!.fail(); // socket.io-client fails open questions after `disconnect`
    expect(deliveries()).toEqual(['waiting']);
    socket.comesUp();
    letIn();
    expect(socket.take('message').map((s) => s.body)).toEqual([first!.body]);
  });

  it('that got no answer in time goes out again after a lost connection', () => {
    entered();
    session.send('hello');
    socket.take('message')[0]!.fail();
    expect(messages()[0]).toMatchObject({ delivery: 'failed', reason: 'no_answer' });
    socket.goesDown();
    expect(deliveries()).toEqual(['waiting']);
  });

  it('is refused when too many wait', () => {
    entered();
    socket.goesDown();
    for (let i = 0; i < maxPending; i++) expect(session.send('x')).toBe(true);
    expect(session.send('one too many')).toBe(false);
    expect(messages()).toHaveLength(maxPending);
  });
});

describe('the connection', () => {
  it('is told as it is', () => {
    expect(session.state.link).toEqual({ kind: 'connecting' });
    socket.comesUp();
    expect(session.state.link).toEqual({ kind: 'connected' });
    socket.goesDown();
    expect(session.state.link).toEqual({ kind: 'offline', attempt: 0 });
    socket.fire('reconnect_attempt', 3);
    expect(session.state.link).toEqual({ kind: 'offline', attempt: 3 });
    socket.isThrownOut();
    expect(session.state.link).toMatchObject({ kind: 'refused', code: 'disconnected' });
  });

  it('comes back by hand after the server ended it', () => {
    entered();
    socket.isThrownOut();
    session.tryAgain();
    expect(socket.active).toBe(true);
    socket.comesUp();
    letIn([mina]);
    expect(session.state).toMatchObject({ link: { kind: 'connected' }, members: [mina] });
  });

  it('says for how long it was away, unless nothing was missed', () => {
    entered();
    socket.goesDown();
    vi.advanceTimersByTime(60_000);
    socket.comesUp();
    letIn();
    expect(session.state.lines).toMatchObject([{ kind: 'away' }]);
    socket.goesDown();
    socket.recovered = true;
    socket.comesUp();
    letIn();
    expect(session.state.lines).toHaveLength(1);
  });

  it('says so when the room does not let it in again', () => {
    entered();
    session.send('hello');
    socket.goesDown();
    socket.comesUp();
    socket.take('join')[0]!.answer({ status: 'error', code: 'name_taken', message: 'taken' });
    expect(session.state).toMatchObject({ room: 'nest', link: { kind: 'refused', code: 'name_taken' } });
    expect(deliveries()).toEqual(['waiting']);
  });
});

describe('leaving', () => {
  it('tells the server and forgets the room', () => {
    entered();
    says('m1', 'hello');
    session.leave();
    expect(socket.take('exit').map((s) => s.body)).toEqual(['nest']);
    expect(session.state).toMatchObject({ room: undefined, lines: [], members: [] });
  });
});
