import type { ComponentChildren } from 'preact';
import { online } from '../live/network';
import { Banner } from '../ui/banner';
import { SkipLink } from './frame';
import { LanguageChoice, ThemeChoice } from './settings';
import { text } from './text';

/** What is around the pages for guests. */
export function GuestFrame({ children }: { children: ComponentChildren }) {
  return (
    <div class="guest">
      <SkipLink />
      {online.value ? <Banner tone="calm" /> : <Banner tone="warn">{text().live.offline}</Banner>}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <footer>
        <LanguageChoice quiet />
        <ThemeChoice quiet />
        <a href="/docs">{text().apiDocs}</a>
      </footer>
    </div>
  );
}
