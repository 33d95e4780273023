import { Component } from 'preact';
import type { Session } from '../chat/session';
import type { MessageLine, Notice } from '../chat/state';
import { reasonText, type Language, type Text } from './text';
import { Avatar } from './avatar';

interface MessageProps {
  line: MessageLine;
  /** First of several by one sender: shows who it is. */
  first: boolean;
  session: Session;
  language: Language;
  t: Text;
}

/** One message. Its text is a text node, whatever it looks like. Drawn again only when it changed. */
export class MessageRow extends Component<MessageProps> {
  override shouldComponentUpdate(next: MessageProps) {
    return next.line !== this.props.line || next.first !== this.props.first || next.t !== this.props.t;
  }

  override render({ line, first, session, language, t }: MessageProps) {
    return (
      <article
        class={`message ${line.own ? 'own' : ''} ${first ? 'first' : ''}`}
        data-delivery={line.delivery}
      >
        {first && !line.own && <Avatar member={line.sender} />}
        <div class="body">
          {first && <p class={line.own ? 'unseen' : 'sender'}>{line.own ? t.you : line.sender.userName}</p>}
          <p class="text" dir="auto">
            {line.text}
          </p>
          <p class="meta">
            <time dateTime={new Date(line.at).toISOString()}>{clock(line.at, language)}</time>
            {line.delivery && <Delivery line={line} t={t} />}
          </p>
          {line.delivery === 'failed' && (
            <p class="actions">
              <button type="button" class="retry" onClick={() => session.retry(line.key)}>
                {t.retry}
              </button>
              <button type="button" class="quiet" onClick={() => session.discard(line.key)}>
                {t.discard}
              </button>
            </p>
          )}
        </div>
      </article>
    );
  }
}

function Delivery({ line, t }: { line: MessageLine; t: Text }) {
  switch (line.delivery) {
    case 'delivered':
      return (
        <span class="delivery" title={t.delivered}>
          <span aria-hidden="true">✓</span>
          <span class="unseen">{t.delivered}</span>
        </span>
      );
    case 'failed':
      return (
        <span class="delivery">
          {t.failed}
          {line.reason && `: ${reasonText(t, line.reason)}`}
        </span>
      );
    default:
      return <span class="delivery">{line.delivery === 'waiting' ? t.waiting : t.sending}</span>;
  }
}

interface NoticeProps {
  line: Notice;
  language: Language;
  t: Text;
}

export class NoticeRow extends Component<NoticeProps> {
  override shouldComponentUpdate(next: NoticeProps) {
    return next.line !== this.props.line || next.t !== this.props.t;
  }

  override render({ line, language, t }: NoticeProps) {
    return (
      <p class="notice" data-kind={line.kind}>
        {line.kind === 'away'
          ? t.away(clock(line.from, language), clock(line.to, language))
          : t[line.kind](line.name)}
      </p>
    );
  }
}

const clocks = new Map<Language, Intl.DateTimeFormat>();

function clock(at: number, language: Language): string {
  let format = clocks.get(language);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' });
    clocks.set(language, format);
  }
  return format.format(at);
}
