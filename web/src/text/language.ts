import { signal } from '@preact/signals';
import { keep, kept } from '../kept';
import { pickLanguage, type Language } from './languages';

/** The language of the page. Whoever reads it while drawing is drawn again when it changes. */
export const language = signal<Language>(
  pickLanguage([kept('language') ?? '', ...(globalThis.navigator?.languages ?? [])]),
);

/** Changes the language, and remembers it. */
export function speak(next: Language) {
  language.value = next;
  keep('language', next);
}
