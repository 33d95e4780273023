// Addresses in what people write.

/** A part of a text; with an address, it is shown as a link. */
export interface Piece {
  text: string;
  href?: string;
}

const candidate = /\bhttps?:\/\/[^\s<>"'`]+/gi;

/** A host in Latin letters, to which Korean has fastened a particle: `https://example.com에서`. */
const hostWithParticle = /^(https?:\/\/[a-z0-9.-]+\.[a-z]{2,}(?::\d+)?)(?=[가-힣])/i;

const closers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Takes a text apart. Only http and https become links; everything else stays as it was written. */
export function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(candidate)) {
    const written = trimmed(hostWithParticle.exec(found[0])?.[1] ?? found[0]);
    const href = safe(written);
    if (href === undefined) continue;
    if (found.index > end) all.push({ text: text.slice(end, found.index) });
    all.push({ text: written, href });
    end = found.index + written.length;
  }
  if (end < text.length) all.push({ text: text.slice(end) });
  return all;
}

/** Without the punctuation of the sentence around it; a bracket that the address itself opens stays. */
function trimmed(written: string): string {
  let end = written.length;
  for (; end > 0; end--) {
    const last = written[end - 1]!;
    if ('.,;:!?…。、'.includes(last)) continue;
    const opener = closers[last];
    if (opener === undefined) break;
    const inside = written.slice(0, end);
    if (inside.split(opener).length >= inside.split(last).length) break;
  }
  return written.slice(0, end);
}

/** An address that says who signs in pretends to be another site: `https://bank.example@evil.example`. */
function safe(written: string): string | undefined {
  let url: URL;
  try {
    url = new URL(written);
  } catch {
    return undefined;
  }
  const web = url.protocol === 'http:' || url.protocol === 'https:';
  return web && url.username === '' && url.password === '' ? url.href : undefined;
}

const sign = '\\p{Extended_Pictographic}(?:\\uFE0F|\\p{Emoji_Modifier})?';
// \p{RGI_Emoji} would be exact, and takes browsers half a second to compile.
const emoji = new RegExp(`^(?:\\p{Regional_Indicator}{2}|${sign}(?:\\u200D${sign})*){1,3}$`, 'u');

/** One to three emoji and nothing else are shown large. */
export function isJumbo(text: string): boolean {
  return text.length <= 60 && emoji.test(text.replace(/\s/g, ''));
}
