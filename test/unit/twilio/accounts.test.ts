import { expect, it } from '@jest/globals';
import type { Database } from '../../../services/db/client.js';
import { createSecrets } from '../../../services/secrets.js';
import { createTwilioAccounts } from '../../../services/twilioAccounts.js';
import type { OrganizationId } from '../../../services/types.js';
import { newSid } from '../../support/signTwilio.js';

it('When thousands of made-up accounts are asked for, then those in use are still known without the record', async () => {
  const secrets = createSecrets('a test secret that is long');
  const id = 'north-shore' as OrganizationId;
  const own = newSid('AC');
  let questions = 0;
  let answer: object[] = [{ id, sealed: secrets.seal(id, 'their-token') }];
  const database = {
    query: async () => {
      questions += 1;
      return answer;
    },
  } as unknown as Database;
  const accounts = createTwilioAccounts({
    config: { accountSid: newSid('AC'), authTokens: ['t'], apiBaseUrl: 'http://127.0.0.1:9' },
    database,
    secrets,
  });
  expect(await accounts.authTokensFor(own)).toEqual(['their-token']);
  answer = [];
  for (let n = 0; n < 3_000; n += 1) expect(await accounts.authTokensFor(newSid('AC'))).toBeUndefined();
  const before = questions;
  expect(await accounts.authTokensFor(own)).toEqual(['their-token']);
  expect(questions).toBe(before);
});
