// The chat of `kachi serve` as NestJS's documentation would have it written: a gateway on
// socket.io, a guard by JWT, DTOs with class-validator, and SQLite. It has what the benchmark
// asks for, and does for each message what the server does: the token is checked when a
// client comes, the input is validated, membership is checked, the message is stored with
// the room's next number, safely on disk, told to the room, and acknowledged.
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BadRequestException,
  Body,
  Controller,
  Headers,
  Injectable,
  Module,
  Post,
  UnauthorizedException,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule, JwtService } from '@nestjs/jwt';
import {
  ConnectedSocket,
  MessageBody,
  OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import Database from 'better-sqlite3';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import type { Namespace, Socket } from 'socket.io';

const folder = mkdtempSync(join(tmpdir(), 'kachi-bench-nest-'));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  });
}
process.on('SIGUSR2', () => globalThis.gc?.());

class PostMessage {
  @IsString() @IsNotEmpty() @MaxLength(20) room: string;
  @IsString() @IsNotEmpty() @MaxLength(2000) message: string;
  @IsOptional() @IsString() @MaxLength(64) clientId?: string;
}

@Injectable()
class Store {
  private db = new Database(join(folder, 'chat.db'));
  private user;
  private room;
  private member;
  private isMember;
  private post;

  constructor() {
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = FULL');
    this.db.exec(`
      CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
      CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL, last_seq INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE members (room_id INTEGER NOT NULL, user_id INTEGER NOT NULL, PRIMARY KEY (room_id, user_id)) WITHOUT ROWID;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, room_id INTEGER NOT NULL, seq INTEGER NOT NULL, user_id INTEGER NOT NULL,
        text TEXT NOT NULL, client_id TEXT, sent_at INTEGER NOT NULL, UNIQUE (room_id, seq), UNIQUE (room_id, user_id, client_id));`);
    this.user = this.db.prepare('INSERT INTO users (name) VALUES (?)');
    this.room = this.db.prepare('INSERT INTO rooms (name) VALUES (?)');
    this.member = this.db.prepare('INSERT OR IGNORE INTO members (room_id, user_id) VALUES (?, ?)');
    this.isMember = this.db.prepare('SELECT 1 FROM members WHERE room_id = ? AND user_id = ?');
    const next = this.db.prepare('UPDATE rooms SET last_seq = last_seq + 1 WHERE id = ? RETURNING last_seq').pluck();
    const insert = this.db.prepare(
      'INSERT INTO messages (room_id, seq, user_id, text, client_id, sent_at) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.post = this.db.transaction((room: string, user: number, text: string, clientId: string | null, at: number) => {
      const seq = next.get(room) as number;
      return { id: String(insert.run(room, seq, user, text, clientId, at).lastInsertRowid), seq };
    });
  }

  addUser(name: string) {
    return Number(this.user.run(name).lastInsertRowid);
  }
  addRoom(name: string) {
    return String(this.room.run(name).lastInsertRowid);
  }
  enter(room: string, user: number) {
    this.member.run(room, user);
  }
  has(room: string, user: number) {
    return this.isMember.get(room, user) !== undefined;
  }
  add(room: string, user: number, text: string, clientId: string | null, at: number) {
    return this.post(room, user, text, clientId, at);
  }
}

interface User {
  sub: number;
  name: string;
}

@Controller('api')
class Api {
  constructor(
    private store: Store,
    private jwt: JwtService,
  ) {}

  @Post('auth/register')
  register(@Body() body: { name: string }) {
    if (typeof body.name !== 'string') throw new BadRequestException();
    const sub = this.store.addUser(body.name);
    return { accessToken: this.jwt.sign({ name: body.name }, { subject: String(sub), expiresIn: '15m' }) };
  }

  @Post('rooms')
  open(@Headers('authorization') header: string, @Body() body: { name: string }) {
    try {
      this.jwt.verify(header.replace('Bearer ', ''));
    } catch {
      throw new UnauthorizedException();
    }
    return { id: this.store.addRoom(body.name) };
  }
}

@WebSocketGateway({ namespace: 'chat' })
@UsePipes(new ValidationPipe({ exceptionFactory: (errors) => new WsException(errors) }))
class Chat implements OnGatewayConnection {
  @WebSocketServer() private server: Namespace;

  constructor(
    private store: Store,
    private jwt: JwtService,
  ) {}

  handleConnection(client: Socket) {
    try {
      const claims = this.jwt.verify(client.handshake.auth.token);
      client.data.user = { sub: Number(claims.sub), name: claims.name } satisfies User;
    } catch {
      client.disconnect(true);
    }
  }

  @SubscribeMessage('join')
  join(@ConnectedSocket() client: Socket, @MessageBody() room: string) {
    const user: User = client.data.user;
    this.store.enter(room, user.sub);
    client.join('room:' + room);
    return { room };
  }

  @SubscribeMessage('message')
  message(@ConnectedSocket() client: Socket, @MessageBody() body: PostMessage) {
    const user: User = client.data.user;
    if (!this.store.has(body.room, user.sub)) throw new WsException('You are not in that room');
    const at = new Date();
    const { id, seq } = this.store.add(body.room, user.sub, body.message, body.clientId ?? null, at.getTime());
    this.server.to('room:' + body.room).emit('message', {
      id,
      room: body.room,
      seq,
      sender: { userId: String(user.sub), userName: user.name },
      message: body.message,
      sentAt: at.toISOString(),
    });
    return { id, sentAt: at.toISOString() };
  }
}

@Module({
  imports: [JwtModule.register({ secret: 'a secret of at least thirty-two bytes' })],
  controllers: [Api],
  providers: [Store, Chat],
})
class AppModule {}

async function main() {
  const [host, port] = process.argv[2].split(':');
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(Number(port), host);
  console.log(`listening on ${process.argv[2]}`);
}

void main();
