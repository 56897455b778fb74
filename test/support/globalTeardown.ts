/** `globalSetup` leaves its undoing behind; both run in Jest's own process. */
export default async function globalTeardown(): Promise<void> {
  await (globalThis as { stopSuiteServices?: () => Promise<void> }).stopSuiteServices?.();
}
