// Small values the page remembers. Storage may be switched off or full: then nothing is remembered.

export function kept(name: string, storage?: Storage): string | null {
  try {
    return (storage ?? localStorage).getItem(`kachi.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string, storage?: Storage) {
  try {
    (storage ?? localStorage).setItem(`kachi.${name}`, value);
  } catch {
    // Not remembered.
  }
}

export function forget(name: string, storage?: Storage) {
  try {
    (storage ?? localStorage).removeItem(`kachi.${name}`);
  } catch {
    // Nothing was remembered.
  }
}
