import type { ComponentChildren, ComponentProps, Ref } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Icon } from './icon';

type Attributes = Pick<
  ComponentProps<'input'>,
  | 'autocapitalize'
  | 'autocomplete'
  | 'enterkeyhint'
  | 'inputMode'
  | 'maxLength'
  | 'name'
  | 'required'
  | 'spellcheck'
>;

interface Props extends Attributes {
  type?: 'text' | 'password' | 'search';
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** What is expected, before anything is wrong. */
  hint?: string | undefined;
  /** What is wrong. It is read out with the field: give that the focus. */
  error?: string | undefined;
  input?: Ref<HTMLInputElement>;
  /** Stands at the end of the field. */
  after?: ComponentChildren;
}

/** One line of text with its label, its hint, and what is wrong with it. */
export function Field({ label, value, onValue, hint, error, input, after, type = 'text', ...rest }: Props) {
  const id = useId();
  return (
    <div class="field-group">
      <label for={id}>{label}</label>
      <div class="control">
        <input
          {...rest}
          // A text field to the type checker, which knows inputs by their type.
          type={type as 'text'}
          ref={input}
          id={id}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
          aria-invalid={error ? true : undefined}
          aria-describedby={`${id}-error ${id}-hint`}
        />
        {after}
      </div>
      <p id={`${id}-error`} class="field-error">
        {error && (
          <>
            <Icon name="alert" size={16} />
            {error}
          </>
        )}
      </p>
      <p id={`${id}-hint`} class="field-hint">
        {!error && hint}
      </p>
    </div>
  );
}

type PasswordProps = Omit<Props, 'type' | 'after'> & { showLabel: string; hideLabel: string };

/** A password that can be shown. */
export function PasswordField({ showLabel, hideLabel, ...rest }: PasswordProps) {
  const [shown, show] = useState(false);
  return (
    <Field
      {...rest}
      type={shown ? 'text' : 'password'}
      autocapitalize="none"
      spellcheck={false}
      after={
        <button
          type="button"
          class="icon-button"
          aria-pressed={shown}
          aria-label={showLabel}
          title={shown ? hideLabel : showLabel}
          onClick={() => show(!shown)}
        >
          <Icon name={shown ? 'eyeOff' : 'eye'} />
        </button>
      }
    />
  );
}
