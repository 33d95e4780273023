import { signal } from '@preact/signals';
import { common } from '../text/common';
import { IconButton } from './button';
import { Icon } from './icon';

type Tone = 'info' | 'good' | 'bad';

interface Toast {
  id: number;
  tone: Tone;
  /** Asked for at each drawing, so that it speaks the language of the page. */
  text: () => string;
  /** Where it leads. */
  href?: string | undefined;
}

/** How long one stays, in milliseconds; while the pointer or the focus is on one, all stay. */
const shown = 6_000;
/** No more than these are shown at a time: the oldest goes. */
const maxShown = 4;

const toasts = signal<readonly Toast[]>([]);
const timers = new Map<number, ReturnType<typeof setTimeout>>();
let ids = 0;

/** Tells the user something in passing. What they must not miss does not belong here. */
export function toast(
  text: () => string,
  { tone = 'info' as Tone, href = undefined as string | undefined } = {},
) {
  const id = ids++;
  const all = [...toasts.peek(), { id, tone, text, href }];
  for (const old of all.slice(0, -maxShown)) stop(old.id);
  toasts.value = all.slice(-maxShown);
  start(id);
}

function start(id: number) {
  stop(id);
  timers.set(
    id,
    setTimeout(() => dismiss(id), shown),
  );
}

function stop(id: number) {
  clearTimeout(timers.get(id));
  timers.delete(id);
}

function dismiss(id: number) {
  stop(id);
  toasts.value = toasts.peek().filter((t) => t.id !== id);
}

const stopAll = () => toasts.peek().forEach((t) => stop(t.id));
const startAll = () => toasts.peek().forEach((t) => start(t.id));

/** Where toasts appear. It stays in the page, so that screen readers hear each. */
export function Toasts() {
  return (
    <div
      class="toasts"
      role="status"
      aria-live="polite"
      onPointerEnter={stopAll}
      onPointerLeave={startAll}
      onFocusIn={stopAll}
      onFocusOut={startAll}
    >
      {toasts.value.map(({ id, tone, text, href }) => (
        <div key={id} class={`toast ${tone}`}>
          {tone !== 'info' && <Icon name={tone === 'good' ? 'check' : 'alert'} size={20} />}
          <p>{href ? <a href={href}>{text()}</a> : text()}</p>
          <IconButton icon="close" label={common().dismiss} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
