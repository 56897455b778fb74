/** What reading a value gives: the value in Jack's terms, or why not. Reasons hold no personal data. */
export type Shaped<T> =
  | { readonly isValid: true; readonly value: T; readonly notes: readonly string[] }
  | { readonly isValid: false; readonly reason: string };

export const valid = <T>(value: T, notes: readonly string[] = []): Shaped<T> => ({
  isValid: true,
  value,
  notes,
});
export const invalid = (reason: string): Shaped<never> => ({ isValid: false, reason });
