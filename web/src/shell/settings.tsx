import { language, speak } from '../text/language';
import { languages, type Language } from '../text/languages';
import { Choice } from '../ui/choice';
import { text } from './text';
import { theme, wear, type Theme } from './theme';

const spoken = (Object.keys(languages) as Language[]).map((l) => ({
  value: l,
  label: languages[l],
  lang: l,
}));

export function LanguageChoice({ quiet = false }) {
  return (
    <Choice legend={text().language} value={language.value} options={spoken} onValue={speak} quiet={quiet} />
  );
}

export function ThemeChoice({ quiet = false }) {
  const t = text().theme;
  const options = (['system', 'light', 'dark'] satisfies Theme[]).map((value) => ({
    value,
    label: t[value],
  }));
  return <Choice legend={t.label} value={theme.value} options={options} onValue={wear} quiet={quiet} />;
}
