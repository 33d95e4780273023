// What stands in the place of content: while it is loaded, when there is none, when it could not be loaded.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { common } from '../text/common';
import { errorText } from '../text/errors';
import { Button } from './button';
import { Icon, type IconName } from './icon';

/** Grey rows in the form of a list. They appear only when loading takes a moment. */
export function SkeletonList({ rows = 5, avatars = false }: { rows?: number; avatars?: boolean }) {
  return (
    <div class="skeletons" role="status">
      <span class="unseen">{common().loading}</span>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class="skeleton-row" aria-hidden="true">
          {avatars && <span class="skeleton round" />}
          <span class="skeleton line" />
        </div>
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  const heading = useId();
  return (
    <section class="empty-state" aria-labelledby={heading}>
      <span class="empty-mark">
        <Icon name={icon} size={30} />
      </span>
      <h2 id={heading}>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </section>
  );
}

/** What could not be loaded, and a way to try again. */
export function Failed({ title, error, onAgain }: { title: string; error: unknown; onAgain: () => void }) {
  return (
    <div role="alert">
      <Empty icon="alert" title={title} action={<Button onClick={onAgain}>{common().tryAgain}</Button>}>
        {errorText(error)}
      </Empty>
    </div>
  );
}
