import { language } from './language';
import type { Language } from './languages';

/** What a dictionary holds: words, sentences made from values, and groups of both. */
export interface Words {
  readonly [key: string]: string | ((...values: never[]) => string) | Words;
}

/** The same keys with the same values as T, in other words. */
export type Translation<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends (...values: infer A) => string
      ? (...values: A) => string
      : Translation<T[K]>;
};

/** Gives the words in the language of the page. */
export interface Dictionary<T> {
  (): Translation<T>;
  readonly in: Readonly<Record<Language, Translation<T>>>;
}

/**
 * Makes a dictionary of a part of the pages. English says which keys there are and which values they
 * take; what is missing from the Korean words, or is there in them alone, does not compile.
 */
export function dictionary<T extends Words>(words: { en: T; ko: NoInfer<Translation<T>> }): Dictionary<T> {
  const all = words as unknown as Readonly<Record<Language, Translation<T>>>;
  return Object.assign(() => all[language.value], { in: all });
}
