import type { Member } from '../chat/protocol';

/** How many hue-N classes the style sheet has. */
const hues = 8;

export function Avatar({ member }: { member: Member }) {
  const initial = [...member.userName][0] ?? '';
  return (
    <span class={`avatar hue-${hue(member.userName)}`} aria-hidden="true">
      {initial.toUpperCase()}
    </span>
  );
}

function hue(name: string): number {
  let hash = 0;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return (hash >>> 12) % hues;
}
