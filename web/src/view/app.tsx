import type { Session } from '../chat/session';
import type { State } from '../chat/state';
import { texts, type Language } from './text';
import { Banner } from './banner';
import { Entrance } from './entrance';
import { Room } from './room';

interface Props {
  session: Session;
  state: State;
  language: Language;
  onLanguage: (language: Language) => void;
}

export function App({ session, state, language, onLanguage }: Props) {
  const t = texts[language];
  const other = language === 'ko' ? 'en' : 'ko';
  const switcher = (
    <button class="quiet" lang={other} type="button" onClick={() => onLanguage(other)}>
      {t.language}
    </button>
  );
  const inRoom = state.room !== undefined && !state.entering;
  return (
    <>
      <Banner link={state.link} online={navigator.onLine} t={t} onTryAgain={() => session.tryAgain()} />
      {inRoom ? (
        <Room session={session} state={state} language={language} t={t} switcher={switcher} />
      ) : (
        <Entrance session={session} state={state} t={t} switcher={switcher} />
      )}
    </>
  );
}
