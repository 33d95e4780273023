import { online } from '../live/network';
import type { LinkState } from '../live/state';
import { codeText } from '../text/errors';
import { common } from '../text/common';
import { Banner } from '../ui/banner';
import { Button } from '../ui/button';
import { useApp } from './app';
import { text } from './text';

/** Says how the page stands with the server, whenever that is not as it should be. */
export function Status() {
  const { live } = useApp();
  const link = live.state.value;
  const state: LinkState = online.value || link.kind === 'online' ? link : { kind: 'offline' };
  const t = text().live;
  switch (state.kind) {
    case 'closed':
      return <Banner tone="calm" />;
    case 'online':
      return <Banner tone="calm">{t.online}</Banner>;
    case 'connecting':
      return <Banner tone="late">{t.connecting}</Banner>;
    case 'reconnecting':
      return <Banner tone="busy">{t.reconnecting}</Banner>;
    case 'offline':
      return <Banner tone="warn">{t.offline}</Banner>;
    case 'expired':
      return <Banner tone="bad">{t.expired}</Banner>;
    case 'refused':
      return (
        <Banner tone="bad" action={<Button onClick={() => live.tryAgain()}>{common().tryAgain}</Button>}>
          {t.refused(codeText(state.code))}
        </Banner>
      );
  }
}
