// Shows a page: loads what it consists of, and says so when that fails.

import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { common } from '../text/common';
import { Button, ButtonLink } from '../ui/button';
import { Empty, SkeletonList } from '../ui/states';
import { Heading } from './heading';
import type { Page, PageProps } from './page';
import { text } from './text';

const loaded = new WeakMap<Page, ComponentType<PageProps>>();

export function PageView({ page, ...props }: PageProps & { page: Page }) {
  const [failed, fail] = useState<Page>();
  const [, redraw] = useState<Page>();
  const Content = loaded.get(page);
  useEffect(() => {
    if (loaded.has(page)) return;
    let gone = false;
    page.load().then(
      (component) => {
        loaded.set(page, component);
        if (!gone) redraw(page);
      },
      () => {
        if (!gone) fail(page);
      },
    );
    return () => {
      gone = true;
    };
  }, [page]);
  if (Content) {
    return (
      <Boundary key={page.paths[0]}>
        <Content {...props} />
      </Boundary>
    );
  }
  if (failed === page) return <Reload words={text().brokenPage} />;
  return <SkeletonList />;
}

export function NotFound() {
  const t = text().notFound;
  return (
    <>
      <Heading title={t.title} unseen />
      <Empty icon="pin" title={t.title} action={<ButtonLink href="/chat">{t.home}</ButtonLink>}>
        {t.body}
      </Empty>
    </>
  );
}

/** A page that breaks does not take the others with it. */
class Boundary extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  override componentDidCatch(error: unknown) {
    console.error(error);
    this.setState({ broken: true });
  }

  override render() {
    return this.state.broken ? <Reload words={text().failedPage} /> : this.props.children;
  }
}

function Reload({ words }: { words: { title: string; body: string } }) {
  return (
    <>
      <Heading title={words.title} unseen />
      <Empty
        icon="alert"
        title={words.title}
        action={<Button onClick={() => location.reload()}>{common().reload}</Button>}
      >
        {words.body}
      </Empty>
    </>
  );
}
