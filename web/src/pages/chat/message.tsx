import { Component } from 'preact';
import { formatClock, formatMoment } from '../../text/format';
import { codeText } from '../../text/errors';
import { language } from '../../text/language';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Icon, type IconName } from '../../ui/icon';
import { isJumbo, pieces } from './links';
import type { Delivery, MessageRow } from './rows';
import { text } from './text';
import type { Message } from './timeline';

export interface MessageActions {
  /** Opens what can be done with a message that the server has. */
  onMore: (message: Message) => void;
  onRetry: (key: string) => void;
  onDiscard: (key: string) => void;
}

interface Props {
  row: MessageRow;
  sender: string;
  /** What became of it, where that is to be shown. */
  delivery: Delivery | undefined;
  /** How many have seen it. */
  seenBy: number;
  /** There is something to be done with it, once the server has it. */
  open: boolean;
  /** Its button is the one that Tab comes to. */
  current: boolean;
  actions: MessageActions;
}

/** One message. What was written is text, whatever it looks like. Drawn again only when something about it changed. */
export class MessageLine extends Component<Props & { language: string }> {
  override shouldComponentUpdate(next: Props & { language: string }) {
    const p = this.props;
    const before = p.row;
    const after = next.row;
    return (
      before.message !== after.message ||
      before.outgoing !== after.outgoing ||
      before.first !== after.first ||
      before.last !== after.last ||
      p.delivery !== next.delivery ||
      p.seenBy !== next.seenBy ||
      p.open !== next.open ||
      p.current !== next.current ||
      p.language !== next.language
    );
  }

  override render() {
    const { row, sender, delivery, seenBy, open, current, actions } = this.props;
    const t = text().message;
    const { message, outgoing, own, first, last, key } = row;
    const written = message?.text ?? outgoing!.text;
    const at = message?.at ?? outgoing!.at;
    const classes = [
      'chat-message',
      own && 'own',
      first && 'first',
      last && 'last',
      message?.deleted && 'deleted',
      outgoing && 'outgoing',
      !message?.deleted && isJumbo(written) && 'jumbo',
    ];
    return (
      <li class={classes.filter(Boolean).join(' ')} data-key={key} data-delivery={delivery}>
        {!own && first && <Avatar name={sender} />}
        <p class={first && !own ? 'chat-sender' : 'unseen'}>
          {own ? `${t.you}:` : first ? sender : `${sender}:`}
        </p>
        <div class="chat-line">
          <p class="chat-bubble" dir="auto">
            {message?.deleted ? t.deleted : <Written text={written} />}
          </p>
          <div class="chat-meta">
            {open && message && !message.deleted && (
              <button
                type="button"
                class="icon-button chat-more"
                aria-label={t.more}
                title={t.more}
                tabIndex={current ? 0 : -1}
                onClick={() => actions.onMore(message)}
              >
                <Icon name="more" size={20} />
              </button>
            )}
            {message?.edited && !message.deleted && <span class="chat-edited">{t.edited}</span>}
            {(last || delivery === 'failed') && delivery !== 'failed' && (
              <time dateTime={new Date(at).toISOString()} title={formatMoment(at)}>
                {formatClock(at)}
              </time>
            )}
            {delivery && delivery !== 'failed' && <DeliveryMark delivery={delivery} seenBy={seenBy} />}
          </div>
        </div>
        {delivery === 'failed' && (
          <div class="chat-failed">
            <p>
              <Icon name="alert" size={16} />
              <span>
                {t.failed}. {outgoing?.reason && codeText(outgoing.reason)}
              </span>
            </p>
            <Button kind="quiet" onClick={() => actions.onDiscard(key)}>
              {t.discard}
            </Button>
            <Button onClick={() => actions.onRetry(key)}>{t.again}</Button>
          </div>
        )}
      </li>
    );
  }
}

/** Gives the language along, so that a change of it is noticed. */
export function MessageItem(props: Props) {
  return <MessageLine {...props} language={language.value} />;
}

/** A text with its addresses as links. */
export function Written({ text: written }: { text: string }) {
  return (
    <>
      {pieces(written).map((piece, i) =>
        piece.href === undefined ? (
          piece.text
        ) : (
          <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ),
      )}
    </>
  );
}

const marks: Readonly<Record<Exclude<Delivery, 'failed'>, IconName>> = {
  waiting: 'clock',
  sending: 'clock',
  sent: 'check',
  seen: 'checks',
};

function DeliveryMark({ delivery, seenBy }: { delivery: Exclude<Delivery, 'failed'>; seenBy: number }) {
  const t = text().message;
  const words = delivery === 'seen' ? (seenBy > 1 ? t.seenBy(seenBy) : t.seen) : t[delivery];
  return (
    <span class="chat-delivery" title={words}>
      <Icon name={marks[delivery]} size={16} />
      <span class={delivery === 'seen' ? '' : 'unseen'}>{words}</span>
    </span>
  );
}
