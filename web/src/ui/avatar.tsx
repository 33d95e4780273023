/** How many hue-N classes the style sheet has. */
const hues = 8;

/** The first letter of a name, in a colour of its own. The name itself stands beside it. */
export function Avatar({ name, size }: { name: string; size?: 'large' }) {
  const initial = [...name][0] ?? '';
  return (
    <span class={`avatar hue-${hue(name)} ${size ?? ''}`} aria-hidden="true">
      {initial.toUpperCase()}
    </span>
  );
}

/** FNV-1a; its upper bits differ most. */
function hue(name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return ((hash >>> 16) ^ (hash >>> 8)) % hues;
}
