import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isAbort } from './error';

/** What a page loads: `value` stays while the same is loaded again. */
export type Loaded<T> = (
  | { kind: 'loading'; value: T | undefined }
  | { kind: 'ready'; value: T }
  | { kind: 'failed'; value: T | undefined; error: unknown }
) & {
  /** Loads it again. */
  again: () => void;
};

type State<T> = Loaded<T> extends infer L ? (L extends unknown ? Omit<L, 'again'> : never) : never;

/**
 * Loads something while the component is there, and again when one of `keys` changes. The signal that
 * `load` is given ends with the component.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [state, set] = useState<State<T>>({ kind: 'loading', value: undefined } as State<T>);
  const [round, next] = useState(0);
  const last = useRef(0);
  useEffect(() => {
    const stop = new AbortController();
    const same = last.current !== round;
    last.current = round;
    set((s) => ({ kind: 'loading', value: same ? s.value : undefined }) as State<T>);
    load(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) set({ kind: 'ready', value } as State<T>);
      },
      (error: unknown) => {
        if (stop.signal.aborted || isAbort(error)) return;
        set((s) => ({ kind: 'failed', value: s.value, error }) as State<T>);
      },
    );
    return () => stop.abort();
  }, [...keys, round]);
  const again = useCallback(() => next((n) => n + 1), []);
  return { ...state, again } as Loaded<T>;
}
