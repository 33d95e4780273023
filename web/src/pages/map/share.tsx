import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { formatLength } from './measure';
import { rough, type Sharing, type SharingState } from './sharing';
import { text } from './text';

/** Sharing where one is: how it stands, and its one button. */
export function ShareCard({ sharing, onWho }: { sharing: Sharing; onWho: (() => void) | undefined }) {
  const t = text().sharing;
  const state = sharing.state.value;
  const off = state.kind === 'off' || state.kind === 'denied' || state.kind === 'unsupported';
  return (
    <section class={`map-share card ${state.kind}`} aria-labelledby="map-share">
      <h2 id="map-share">{t.title}</h2>
      <p class={isBad(state) ? 'map-share-bad' : 'hint'} role="status">
        {isBad(state) && <Icon name="alert" size={18} />}
        <span>{words(state)}</span>
      </p>
      <div class="map-actions">
        {off ? (
          <Button icon="target" kind="primary" onClick={() => sharing.start()}>
            {t.start}
          </Button>
        ) : (
          <Button icon="close" onClick={() => sharing.stop()}>
            {t.stop}
          </Button>
        )}
        {onWho && (
          <Button icon="people" onClick={onWho}>
            {t.who}
          </Button>
        )}
      </div>
    </section>
  );
}

function isBad(state: SharingState): boolean {
  return (
    state.kind === 'lost' ||
    state.kind === 'denied' ||
    state.kind === 'unsupported' ||
    (state.kind === 'sharing' && (state.error !== undefined || state.fix.accuracy > rough))
  );
}

function words(state: SharingState): string {
  const t = text().sharing;
  if (state.kind !== 'sharing') return t[state.kind];
  if (state.error !== undefined) return t.failing(errorText(state.error));
  const accuracy = formatLength(state.fix.accuracy);
  return state.fix.accuracy > rough ? t.rough(accuracy) : t.sharing(accuracy);
}
