import { useId } from 'preact/hooks';

interface Props<T extends string> {
  /** What is chosen. */
  legend: string;
  value: T;
  options: readonly { value: T; label: string; lang?: string }[];
  onValue: (value: T) => void;
  /** The legend is for screen readers alone. */
  quiet?: boolean;
}

/** One of a few, all of them to be seen. Arrow keys change it. */
export function Choice<T extends string>({ legend, value, options, onValue, quiet }: Props<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={quiet ? 'unseen' : ''}>{legend}</legend>
      <div class="choice-options">
        {options.map((option) => (
          <label key={option.value} lang={option.lang}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onValue(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
