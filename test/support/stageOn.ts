/** Jack as processes with a carrier double, a dealership and shoppers. Needs no jest, so that a soak can use it too. */
import { type JackEnvironment, type JackProcess, type JackProgram, startJack } from './jackProcess.js';
import { newPhone } from './records.js';
import { newShopper, PUBLIC_URL, type Shopper } from './shopper.js';
import { startTwilioDouble, type TwilioDouble } from './twilioDouble.js';

const ADMIN_KEY = 'test-administrator-key-0123456789';

export interface Dealership {
  readonly id: string;
  readonly apiKey: string;
  readonly number: string;
}

export interface Stage {
  readonly twilio: TwilioDouble;
  /** Of PostgreSQL, for looking into the record. */
  readonly databaseUrl: string | undefined;
  /** Another process on the same record. */
  start(env?: JackEnvironment, program?: JackProgram): Promise<JackProcess>;
  newDealership(jack: JackProcess, name?: string): Promise<Dealership>;
  newShopper(dealership: Dealership, phone?: string): Shopper;
  /** The conversation as staff see it. */
  conversation(jack: JackProcess, dealership: Dealership, phone: string): Promise<StaffView | undefined>;
  close(): Promise<void>;
}

export interface StaffView {
  readonly lead: { readonly id: string; readonly phone: string };
  readonly owner: string;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly slots: Record<string, unknown>;
  readonly messages: readonly {
    seq: number;
    direction: string;
    sender: string;
    body: string;
    status: string;
  }[];
}

/** @param record where it is; a database is empty or migrated. */
export async function openStageOn(
  record: { readonly DATABASE_URL: string } | { readonly DATA_DIR: string },
  env: JackEnvironment = {},
): Promise<Stage> {
  const twilio = await startTwilioDouble();
  const databaseUrl = 'DATABASE_URL' in record ? record.DATABASE_URL : undefined;
  const jacks: JackProcess[] = [];
  return {
    twilio,
    databaseUrl,
    start: async (more = {}, program) => {
      const jack = await startJack(
        {
          ...record,
          PUBLIC_URL,
          ADMIN_API_KEY: ADMIN_KEY,
          TWILIO_ACCOUNT_SID: twilio.accountSid,
          TWILIO_AUTH_TOKEN: twilio.authToken,
          TWILIO_API_BASE_URL: twilio.baseUrl,
          REPLY_WINDOW_MS: '100',
          ...env,
          ...more,
        },
        program,
      );
      jacks.push(jack);
      return jack;
    },
    newDealership: async (jack, name = 'Example Motors') => {
      const number = newPhone();
      const { organization, apiKey } = await call<{ organization: { id: string }; apiKey: string }>(
        `${jack.url}/api/admin/organizations`,
        ADMIN_KEY,
        {
          name,
          timezone: 'America/Vancouver',
          phoneNumbers: [number],
          // Crowds text one number here; a real one sends a segment a second.
          settings: { limits: { segmentsPerSecond: 1_000 } },
        },
      );
      return { id: organization.id, apiKey, number };
    },
    newShopper: (dealership, phone) => newShopper(twilio, dealership.number, phone),
    conversation: async (jack, dealership, phone) => {
      const { items } = await call<{ items: { id: string; phone: string }[] }>(
        `${jack.url}/api/leads?limit=100`,
        dealership.apiKey,
      );
      const lead = items.find((item) => item.phone === phone);
      if (!lead) return undefined;
      return await call<StaffView>(`${jack.url}/api/conversations/${lead.id}?limit=100`, dealership.apiKey);
    },
    close: async () => {
      await Promise.all(jacks.map((jack) => jack.kill()));
      await twilio.stop();
    },
  };
}

async function call<T>(url: string, key: string, body?: object): Promise<T> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
