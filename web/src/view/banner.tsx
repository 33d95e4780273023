import type { Link } from '../chat/state';
import { reasonText, type Text } from './text';

interface Props {
  link: Link;
  online: boolean;
  t: Text;
  onTryAgain: () => void;
}

/** Says how the page stands with the server. It stays in the page while connected, so that screen readers hear each change. */
export function Banner({ link, online, t, onTryAgain }: Props) {
  return (
    <div class="banner" role="status" data-link={link.kind}>
      <span class="dot" aria-hidden="true" />
      <span>{words(link, online, t)}</span>
      {link.kind === 'refused' && (
        <button type="button" onClick={onTryAgain}>
          {t.tryAgain}
        </button>
      )}
    </div>
  );
}

function words(link: Link, online: boolean, t: Text): string {
  switch (link.kind) {
    case 'connecting':
      return t.connecting;
    case 'connected':
      return t.connected;
    case 'offline':
      return online ? t.unreachable(link.attempt) : t.offline;
    case 'refused':
      return t.refused(reasonText(t, link.code, link.message));
  }
}
