import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { title as pageTitle, useApp } from '../../shell/app';
import type { PageProps } from '../../shell/page';
import { formatSpan } from '../../text/format';
import { Button } from '../../ui/button';
import { Field, PasswordField } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { check, failure, maxName, minPassword, type Failure, type Mode } from './failure';
import nest from './nest.svg';
import './sign-in.css';
import { text } from './text';

export function SignInPage({ query }: PageProps) {
  return <Door key="signIn" mode="signIn" query={query} />;
}

export function RegisterPage({ query }: PageProps) {
  return <Door key="register" mode="register" query={query} />;
}

const nothing: Failure = { fields: {} };

function Door({ mode, query }: { mode: Mode; query: URLSearchParams }) {
  const { session, router } = useApp();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<Failure>(nothing);
  const [busy, setBusy] = useState(false);
  const nameInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  const wait = useCountdown(wrong.retryAt);
  const problem = wrong.retryAt !== undefined && wait === 0 ? undefined : wrong.form;
  const t = text();
  const words = t[mode];
  const state = session.state.value;
  const expired = mode === 'signIn' && state.kind === 'signedOut' && state.why === 'expired';

  useLayoutEffect(() => {
    pageTitle.value = words.title;
  }, [words.title]);
  useLayoutEffect(() => {
    router.claimFocus(); // the first field has it, and is announced with the form's name
    nameInput.current?.focus();
  }, []);

  /** Shows what is wrong, and goes where it can be put right. */
  const refuse = (what: Failure) => {
    setWrong(what);
    setBusy(false);
    if (what.fields.name) nameInput.current?.focus();
    else if (what.fields.password || (what.form && mode === 'signIn' && !what.retryAt)) {
      passwordInput.current?.focus();
      if (!what.fields.password) passwordInput.current?.select();
    }
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || wait > 0) return;
    const credentials = { name: name.trim(), password };
    const found = check(mode, credentials);
    if (found) return refuse(found);
    setWrong(nothing);
    setBusy(true);
    try {
      // Who is signed in is led away from here by the shell.
      await (mode === 'signIn' ? session.signIn(credentials) : session.register(credentials));
    } catch (error) {
      refuse(failure(mode, error));
    }
  };

  const other = mode === 'signIn' ? '/register' : '/sign-in';
  const next = query.get('next');
  return (
    <div class="door">
      <aside class="door-picture">
        <img src={nest} alt="" width="320" height="320" />
        <p class="door-tagline">{t.tagline}</p>
        <p>{t.pitch}</p>
      </aside>
      <form
        class="door-form"
        onSubmit={(event) => void submit(event)}
        noValidate
        aria-labelledby="door-title"
      >
        <p class="door-brand">
          <img src="/icon.svg" alt="" width="44" height="44" />
          <span>Kachi</span>
        </p>
        <h1 id="door-title">{words.title}</h1>
        {expired && !problem && <p class="note">{t.expired}</p>}
        <p class="form-error" role="alert">
          {problem && (
            <>
              <Icon name="alert" size={20} />
              <span>{problem()}</span>
            </>
          )}
        </p>
        {wait > 0 && <p class="note">{t.wait(formatSpan(wait))}</p>}
        <Field
          label={t.name.label}
          value={name}
          onValue={(value) => {
            setName(value);
            setWrong((w) => ({ ...w, fields: { ...w.fields, name: undefined! } }));
          }}
          hint={mode === 'register' ? t.name.hint : undefined}
          error={wrong.fields.name?.()}
          input={nameInput}
          name="name"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          maxLength={maxName * 2}
          required
        />
        <PasswordField
          label={t.password.label}
          value={password}
          onValue={(value) => {
            setPassword(value);
            setWrong((w) => ({ ...w, fields: { ...w.fields, password: undefined! } }));
          }}
          hint={mode === 'register' ? t.password.short(minPassword) : undefined}
          error={wrong.fields.password?.()}
          input={passwordInput}
          name="password"
          autocomplete={mode === 'signIn' ? 'current-password' : 'new-password'}
          required
          showLabel={t.password.show}
          hideLabel={t.password.hide}
        />
        <Button kind="primary" type="submit" wide busy={busy} disabled={wait > 0}>
          {words.submit}
        </Button>
        <p class="door-other">
          {words.other}{' '}
          <a href={next ? `${other}?${new URLSearchParams({ next })}` : other}>{words.otherLink}</a>
        </p>
      </form>
    </div>
  );
}

/** Milliseconds until then, told each second; 0 when it is past. */
function useCountdown(until: number | undefined): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (until === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() >= until) clearInterval(timer);
    }, 1000);
    return () => clearInterval(timer);
  }, [until]);
  return until === undefined ? 0 : Math.max(0, until - now);
}
