import type { ComponentChildren } from 'preact';

interface Props {
  /** calm is heard and not seen; late is seen only when it lasts; busy and warn may pass; bad needs the user. */
  tone: 'calm' | 'late' | 'busy' | 'warn' | 'bad';
  children?: ComponentChildren;
  action?: ComponentChildren;
}

/** A line at the top of the page. It stays in the page while there is nothing to say, so that screen readers hear each change. */
export function Banner({ tone, children, action }: Props) {
  return (
    <div class="status-banner" data-tone={tone}>
      <span class="dot" aria-hidden="true" />
      <p role="status">{children}</p>
      {action}
    </div>
  );
}
