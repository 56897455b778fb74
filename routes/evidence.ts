/** One conversation as evidence: a file that shows whether somebody changed it. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { createEvidence } from '../services/evidence/file.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { leadIdSchema } from './schemas.js';

const TYPE = 'application/json';

export const evidenceRoute = ({ database, secrets }: Pick<AppContext, 'database' | 'secrets'>): Route =>
  defineRoute({
    access: 'organization',
    tag: 'Conversations',
    method: 'get',
    path: '/api/conversations/{leadId}/evidence',
    summary:
      'Everything about a conversation as one file: texts, archived ones too, decisions of the outbound door, consent, ' +
      'delivery reports, inquiries, calls and what staff did, in a chain of SHA-256 hashes.',
    params: z.object({ leadId: leadIdSchema }),
    answers: { 200: { description: 'A JSON file. The audit trail keeps its last hash.', files: [TYPE] } },
    problems: ['E_NOT_FOUND', 'E_CONFLICT', 'E_ARCHIVE_DAMAGED'],
    handle: async ({ caller: { organizationId, actor }, params: { leadId } }) => {
      const file = orNotFound(await createEvidence({ database, secrets }, organizationId, { leadId, actor }));
      return reply(
        200,
        { bytes: Buffer.from(JSON.stringify(file), 'utf8'), contentType: TYPE },
        { 'Content-Disposition': `attachment; filename="evidence-${leadId}.json"` },
      );
    },
  });
