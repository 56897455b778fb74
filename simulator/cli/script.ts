/** A conversation in a file: one line, one text. */
export interface ScriptLine {
  /** Who texts: a name of the script's own. */
  readonly shopper: string;
  readonly body: string;
  /** Sent without waiting for the reply to the text before. */
  readonly isAtOnce: boolean;
  /** How many copies of its webhook are posted. */
  readonly copies: number;
}

const NAMED = /^([A-Za-z][\w-]{0,30}):\s+(.*)$/;
const COPIES = /^\[x(\d)\]\s*(.*)$/;

/**
 * `# …` is a comment; `Dana: Hi` names who texts, else it is who texted last; `& and blue` follows at once, without
 * waiting for a reply; `[x3] Hi` is a webhook that comes three times.
 */
export function parseScript(text: string): ScriptLine[] {
  let shopper = 'shopper';
  const lines: ScriptLine[] = [];
  for (const raw of text.split(/\r?\n/)) {
    let line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const isAtOnce = line.startsWith('&');
    if (isAtOnce) line = line.slice(1).trim();
    const [, name, rest] = NAMED.exec(line) ?? [];
    if (name !== undefined && rest !== undefined) {
      shopper = name;
      line = rest;
    }
    const [, copies, body] = COPIES.exec(line) ?? [];
    lines.push({ shopper, body: body ?? line, isAtOnce, copies: Number(copies ?? 1) || 1 });
  }
  return lines;
}
