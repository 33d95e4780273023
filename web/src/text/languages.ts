/** The languages that the pages speak, each with its own name for itself. */
export const languages = { en: 'English', ko: '한국어' } as const;

export type Language = keyof typeof languages;

/** The first of the user's languages that the pages speak. */
export function pickLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (language === 'ko' || language === 'en') return language;
  }
  return 'en';
}
