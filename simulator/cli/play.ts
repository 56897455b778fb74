/** Plays a script: each name is a shopper, each line a text after the reply to the one before. */
import { shopperPhones } from './phones.js';
import type { ScriptLine } from './script.js';
import type { Session } from './session.js';

/** @param phone the first shopper's; others get theirs in the order of their names. */
export async function playScript(
  session: Session,
  lines: readonly ScriptLine[],
  phone: string,
): Promise<void> {
  const names = [...new Set(lines.map(({ shopper }) => shopper))];
  const others = shopperPhones(names.length + 1, session.settings.number).filter((each) => each !== phone);
  const phones = new Map(names.map((name, index) => [name, index === 0 ? phone : others[index - 1]]));
  let texting: Promise<void> = Promise.resolve();
  for (const { shopper, body, isAtOnce, copies } of lines) {
    const from = phones.get(shopper) ?? phone;
    if (!isAtOnce) {
      await texting;
      await session.answered(from);
    }
    if (session.isOver) return;
    texting = session.text(from, body, copies);
  }
  await texting;
}
