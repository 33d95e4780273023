import type { ComponentChildren, ComponentProps } from 'preact';
import { Icon, type IconName } from './icon';

type Kind = 'plain' | 'primary' | 'quiet' | 'danger';

interface Props extends Omit<ComponentProps<'button'>, 'class' | 'disabled' | 'icon'> {
  kind?: Kind;
  icon?: IconName;
  /** What was asked for is being done: the button keeps the focus, and does nothing. */
  busy?: boolean;
  disabled?: boolean;
  wide?: boolean;
  children: ComponentChildren;
}

export function Button({ kind = 'plain', icon, busy, disabled, wide, children, onClick, ...rest }: Props) {
  const off = busy || disabled;
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${wide ? 'wide' : ''}`}
      aria-disabled={off ? true : undefined}
      aria-busy={busy ? true : undefined}
      onClick={(event) => {
        // A button that is switched off by the browser loses the focus, and nobody is told.
        if (off) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy ? <Spinner /> : icon && <Icon name={icon} size={20} />}
      <span>{children}</span>
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'class' | 'icon'> {
  icon: IconName;
  /** What it does, for those who do not see the icon, and as its tip. */
  label: string;
}

export function IconButton({ icon, label, ...rest }: IconButtonProps) {
  return (
    <button type="button" {...rest} class="icon-button" aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  href,
  kind = 'plain',
  children,
}: {
  href: string;
  kind?: Kind;
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${kind}`} href={href}>
      <span>{children}</span>
    </a>
  );
}

export function Spinner() {
  return (
    <svg class="spinner" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <circle cx="12" cy="12" r="9" />
    </svg>
  );
}
