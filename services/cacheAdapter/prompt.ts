/** Longer questions are hardly ever asked twice. Characters. */
const MAX_PROMPT_LENGTH = 2_000;

/**
 * A question in the form by which its answer is found: `  Are you open\n TODAY?` → `are you open today?`.
 * @returns undefined for one that is empty or too long to keep answers for.
 */
export function normalisePrompt(prompt: string): string | undefined {
  if (prompt.length > MAX_PROMPT_LENGTH) return undefined;
  const normalised = prompt.toLowerCase().normalize('NFC').replace(/\s+/gu, ' ').trim();
  return normalised === '' ? undefined : normalised;
}
