import { useLive } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { Empty } from '../../ui/states';
import { name } from '.';
import './map.css';
import { text } from './text';

export function MapPage() {
  const t = text();
  useLive('/location');
  return (
    <>
      <Heading title={name().title} />
      <div class="map-ground">
        <Empty icon="pin" title={t.empty}>
          {t.emptyBody}
        </Empty>
      </div>
    </>
  );
}
