import type { Member } from '../chat/protocol';
import { Avatar as Letter } from '../ui/avatar';

export function Avatar({ member }: { member: Member }) {
  return <Letter name={member.userName} />;
}
