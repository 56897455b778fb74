/**
 * Names of channels. Redis sees one channel an organization; which of its own channels a message is for is inside, and
 * patterns are matched here. So a pattern never reaches Redis and cannot reach another organization, one subscription
 * serves all listeners, and nothing is delivered twice to who subscribed by name and by pattern.
 */
import { JackError } from '../errors.js';
import { type OrganizationId, parseOrganizationId } from '../types.js';

const CHANNEL = /^[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)*$/;
const PATTERN = /^(?:[A-Za-z0-9_-]|\*(?!\*))+(?::(?:[A-Za-z0-9_-]|\*(?!\*))+)*$/;
const MAX_LENGTH = 200;

/** No organization id can have this form. */
export const SYSTEM = '-' as OrganizationId;

/** The only place that builds the name under which Redis knows an organization's messages. @throws JackError E_INPUT_INVALID */
export function redisChannel(keyPrefix: string, organizationId: OrganizationId): string {
  if (organizationId !== SYSTEM) parseOrganizationId(organizationId);
  return `${keyPrefix}pubsub:{${organizationId}}`;
}

/** @throws JackError E_INPUT_INVALID for anything but words of letters, digits, `_` and `-` with `:` between them. */
export function checkChannel(channel: string): void {
  if (channel.length <= MAX_LENGTH && CHANNEL.test(channel)) return;
  throw new JackError(
    'E_INPUT_INVALID',
    'A channel is words of letters, digits, "_" and "-" with ":" between.',
  );
}

/**
 * `*` stands for any run of characters but `:`, so a pattern has as many words as what it matches.
 * @throws JackError E_INPUT_INVALID for other wildcards and characters.
 */
export function matcherOf(pattern: string): (channel: string) => boolean {
  if (pattern.length > MAX_LENGTH || !PATTERN.test(pattern)) {
    throw new JackError(
      'E_INPUT_INVALID',
      'A pattern is a channel in which "*" stands for a part of a word.',
    );
  }
  const expression = new RegExp(`^${pattern.replaceAll('*', '[^:]*')}$`);
  return (channel) => expression.test(channel);
}
