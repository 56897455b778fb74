/** Connection overrides in the fragment of a webhook's URL (twilio.com/docs/usage/webhooks/webhooks-connection-overrides). */
export type RetryClass = '4xx' | '5xx' | 'ct' | 'rt';

export interface ConnectionOverrides {
  readonly connectTimeoutMs: number;
  /** Until the first byte, and between two packets. */
  readonly readTimeoutMs: number;
  /** With all retries. */
  readonly totalTimeMs: number;
  readonly retryCount: number;
  readonly retryPolicy: ReadonlySet<RetryClass>;
}

const CLASSES: readonly RetryClass[] = ['4xx', '5xx', 'ct', 'rt'];

/** A value out of its range, or none, is the default: one retry, and only of a connection that could not be made. */
export function overridesOf(url: string): ConnectionOverrides {
  const fragment = new URLSearchParams(url.split('#')[1] ?? '');
  const number = (name: string, least: number, most: number, otherwise: number): number => {
    const value = fragment.get(name) ?? '';
    return /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most ? Number(value) : otherwise;
  };
  return {
    connectTimeoutMs: number('ct', 100, 10_000, 5_000),
    readTimeoutMs: number('rt', 100, 15_000, 15_000),
    totalTimeMs: number('tt', 100, 15_000, 15_000),
    retryCount: number('rc', 0, 5, 1),
    retryPolicy: policyOf(fragment.get('rp')),
  };
}

function policyOf(value: string | null): ReadonlySet<RetryClass> {
  const named = (value ?? '').split(',').map((each) => each.trim());
  if (named.includes('all')) return new Set(CLASSES);
  const known = CLASSES.filter((each) => named.includes(each));
  return new Set(known.length > 0 ? known : ['ct']);
}
