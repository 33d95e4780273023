import { signal } from '@preact/signals';
import { forget, keep, kept } from '../kept';

export type Theme = 'system' | 'light' | 'dark';

function known(value: string | null): Theme {
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** Light or dark as the system has it, unless the user wants one of them. */
export const theme = signal<Theme>(known(kept('theme')));

export function wear(next: Theme) {
  theme.value = next;
  if (next === 'system') forget('theme');
  else keep('theme', next);
}
