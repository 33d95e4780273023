import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Place } from '../../api/contract';
import { ApiError } from '../../api/error';
import { fieldErrors } from '../../api/refusal';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import {
  flaw,
  kinds,
  most,
  readPosition,
  shifted,
  withKind,
  withPoint,
  writePosition,
  type Draft,
  type Position,
} from './geometry';
import { nameOf, text } from './text';

interface Props {
  /** The place that is changed; none while a new one is made. */
  place: Place | undefined;
  /** Nothing for a shape that cannot be edited: its name can. */
  draft: Draft | undefined;
  /** The middle of the map. */
  middle: () => Position;
  onDraft: (draft: Draft) => void;
  /** Saves it; the form shows why where that fails. */
  onSave: (name: string, draft: Draft | undefined) => Promise<void>;
  onCancel: () => void;
}

/** A place in words: all that can be done with the mouse on the map, by the keyboard. */
export function Editor({ place, draft, middle, onDraft, onSave, onCancel }: Props) {
  const t = text().editor;
  const [name, setName] = useState(place?.name ?? '');
  const [tried, setTried] = useState(false);
  const [badText, setBadText] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const nameField = useRef<HTMLInputElement>(null);
  const points = useRef<HTMLTextAreaElement>(null);
  useEffect(() => nameField.current?.focus({ preventScroll: true }), []);

  const wrong = draft && flaw(draft);
  const shapeError =
    badText ??
    (tried && wrong && draft ? (wrong === 'few' ? t.flaws[draft.kind] : t.flaws[wrong]) : undefined);
  const refusedName = fieldErrors(error instanceof ApiError ? error.details : undefined).some(
    (f) => f.path === 'name',
  );
  const nameError = tried && name.trim() === '' ? t.nameMissing : refusedName ? errorText(error) : undefined;

  const save = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    setError(undefined);
    if (name.trim() === '') return nameField.current?.focus();
    if (badText !== undefined || wrong) return points.current?.focus();
    if (busy) return;
    setBusy(true);
    try {
      await onSave(name.trim(), draft);
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };

  return (
    <form
      class="map-editor card"
      aria-labelledby="map-editor"
      onSubmit={(event) => void save(event)}
      noValidate
    >
      <h2 id="map-editor">{place ? t.editTitle(nameOf(place)) : t.createTitle}</h2>
      <Field
        label={t.name}
        name="place"
        value={name}
        onValue={setName}
        maxLength={100}
        error={nameError}
        input={nameField}
        autocomplete="off"
      />
      {draft ? (
        <>
          <Choice
            legend={t.kind}
            value={draft.kind}
            options={kinds.map((value) => ({ value, label: text().kinds[value] }))}
            onValue={(kind) => onDraft(withKind(draft, kind))}
          />
          <PointsField
            draft={draft}
            onDraft={onDraft}
            error={shapeError}
            onError={setBadText}
            input={points}
          />
          <Button icon="target" onClick={() => onDraft(withPoint(draft, middle()))}>
            {draft.kind === 'Point' ? t.put : t.add}
          </Button>
          {draft.kind !== 'Point' && draft.points.length > 1 && (
            <MiddleField draft={draft} onDraft={onDraft} />
          )}
        </>
      ) : (
        <p class="hint">{t.fixed}</p>
      )}
      {error !== undefined && !refusedName && (
        <p class="field-error" role="alert">
          <Icon name="alert" size={16} />
          {t.notSaved} {errorText(error)}
        </p>
      )}
      <footer>
        <Button onClick={onCancel}>{common().cancel}</Button>
        <Button type="submit" kind="primary" busy={busy}>
          {t.save}
        </Button>
      </footer>
    </form>
  );
}

interface PointsProps {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  error: string | undefined;
  /** What stands in the field cannot be read; it is not drawn. */
  onError: (error: string | undefined) => void;
  input: { current: HTMLTextAreaElement | null };
}

/** The points as lines of text. What is done on the map is written here, and what is written here drawn there. */
function PointsField({ draft, onDraft, error, onError, input }: PointsProps) {
  const t = text().editor;
  const id = useId();
  const written = draft.points.map(writePosition).join('\n');
  const [value, setValue] = useState(written);
  const own = useRef(draft);
  useEffect(() => {
    if (own.current === draft) return;
    own.current = draft;
    setValue(written);
    onError(undefined);
  }, [draft]);

  const read = (next: string) => {
    setValue(next);
    const lines = next.split('\n');
    const points: Position[] = [];
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const point = readPosition(line);
      if (!point) return onError(draft.kind === 'Point' ? t.badPosition : t.badLine(i + 1));
      points.push(point);
    }
    if (points.length > most) return onError(t.tooMany(most));
    onError(undefined);
    own.current = { ...draft, points: draft.kind === 'Point' ? points.slice(0, 1) : points };
    onDraft(own.current);
  };

  const single = draft.kind === 'Point';
  return (
    <div class="field-group">
      <label for={id}>{single ? t.position : t.positions}</label>
      <div class="control">
        <textarea
          ref={input}
          id={id}
          name="points"
          rows={single ? 1 : Math.min(10, Math.max(3, draft.points.length + 1))}
          value={value}
          onInput={(event) => read(event.currentTarget.value)}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={error ? true : undefined}
          aria-describedby={`${id}-error ${id}-hint`}
        />
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
        {!error && (single ? t.positionHint : t.positionsHint)}
      </p>
    </div>
  );
}

/** Moves a shape as a whole. */
function MiddleField({ draft, onDraft }: { draft: Draft; onDraft: (draft: Draft) => void }) {
  const t = text().editor;
  const n = draft.points.length;
  const middle = {
    latitude: draft.points.reduce((sum, p) => sum + p.latitude, 0) / n,
    longitude: draft.points.reduce((sum, p) => sum + p.longitude, 0) / n,
  };
  const [typed, setTyped] = useState<string>();
  const to = typed === undefined ? middle : readPosition(typed);
  const move = () => {
    if (typed !== undefined && to) {
      onDraft(shifted(draft, to.latitude - middle.latitude, to.longitude - middle.longitude));
    }
    setTyped(undefined);
  };
  return (
    <div
      onFocusOut={move}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || typed === undefined) return;
        event.preventDefault(); // the form is not saved yet
        move();
      }}
    >
      <Field
        label={t.middle}
        value={typed ?? writePosition(middle)}
        onValue={setTyped}
        hint={t.middleHint}
        error={to ? undefined : t.badPosition}
        autocomplete="off"
      />
    </div>
  );
}
