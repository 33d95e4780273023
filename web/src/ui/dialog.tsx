import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { common } from '../text/common';
import { IconButton } from './button';

interface Props {
  title: string;
  /** Called when the user has closed it: by Escape, the button, or beside it. Take it out of the page then. */
  onClose: () => void;
  children: ComponentChildren;
  /** The buttons at its end. */
  actions?: ComponentChildren;
}

/** The browser's own dialog: it holds the focus, and gives it back to where it was. */
export function Dialog({ title, onClose, children, actions }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const d = dialog.current!;
    const before = document.activeElement;
    d.showModal();
    return () => {
      d.close();
      // Taken out of the page with its dialog, the browser forgets to.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={heading}>{title}</h2>
          <IconButton icon="close" label={common().close} onClick={onClose} />
        </header>
        {children}
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}
