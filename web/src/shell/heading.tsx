import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { title as pageTitle, useApp } from './app';

interface Props {
  /** What the window is called; shown as well, unless there are children. */
  title: string;
  children?: ComponentChildren;
  /** Buttons at the end of the line. */
  actions?: ComponentChildren;
  /** Stands before the title: a way back. */
  before?: ComponentChildren;
  /** The page says its title in another way: this one is for screen readers. */
  unseen?: boolean;
}

/**
 * The head of each page. It gives the window its title, and takes the focus when the user comes from
 * another page, so that a screen reader says where they are, and Tab goes on from there.
 */
export function Heading({ title, children, actions, before, unseen }: Props) {
  const { router } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  const path = router.route.value.path;
  useLayoutEffect(() => {
    pageTitle.value = title;
  }, [title]);
  useLayoutEffect(() => {
    if (router.claimFocus()) heading.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <header class={unseen ? 'unseen' : 'page-heading'}>
      {before}
      <h1 ref={heading} tabIndex={-1}>
        {children ?? title}
      </h1>
      {actions && <div class="page-actions">{actions}</div>}
    </header>
  );
}
