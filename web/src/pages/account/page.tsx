import { useState } from 'preact/hooks';
import { useApp, useUser } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { LanguageChoice, ThemeChoice } from '../../shell/settings';
import { common } from '../../text/common';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icon';
import { toast } from '../../ui/toast';
import { name } from '.';
import './account.css';
import { text } from './text';

export function AccountPage() {
  const { session } = useApp();
  const user = useUser();
  const [asking, ask] = useState(false);
  const t = text();

  const leave = async () => {
    const told = await session.signOut();
    toast(() => (told ? text().left : text().leftOffline), { tone: told ? 'good' : 'info' });
  };

  return (
    <>
      <Heading title={name().title} />
      <div class="account">
        <section class="card account-who">
          <Avatar name={user.name} size="large" />
          <div class="list-text">
            <p class="hint">{t.signedInAs}</p>
            <p class="account-name" dir="auto">
              {user.name}
            </p>
          </div>
          <Button icon="leave" onClick={() => ask(true)}>
            {t.signOut}
          </Button>
        </section>
        <section class="card" aria-labelledby="account-preferences">
          <h2 id="account-preferences">{t.preferences}</h2>
          <LanguageChoice />
          <ThemeChoice />
        </section>
        <section class="card" aria-labelledby="account-more">
          <h2 id="account-more">{t.more}</h2>
          <a class="list-row" href="/docs">
            <Icon name="book" />
            <span class="list-text">
              <strong>{t.docs}</strong>
              <span class="hint">{t.docsBody}</span>
            </span>
            <Icon name="external" size={18} />
          </a>
        </section>
      </div>
      {asking && (
        <Dialog
          title={t.signOutTitle}
          onClose={() => ask(false)}
          actions={
            <>
              <Button onClick={() => ask(false)}>{common().cancel}</Button>
              <Button kind="danger" onClick={() => void leave()}>
                {t.signOut}
              </Button>
            </>
          }
        >
          <p>{t.signOutBody}</p>
        </Dialog>
      )}
    </>
  );
}
