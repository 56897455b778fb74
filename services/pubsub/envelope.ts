/**
 * A message on its way through Redis: `<origin> <number> <previous> <channel> <message>`. The origin is the sending
 * process; numbers of one origin grow, and `previous` is the number of its message before in the same organization (0:
 * not known). With them a receiver drops what came twice and notices what it missed.
 */
export interface Envelope {
  readonly origin: string;
  readonly number: number;
  readonly previous: number;
  readonly channel: string;
  readonly message: string;
}

const FORM = /^([\w-]{8,40}) (\d{1,15}) (\d{1,15}) ([\w:-]{1,200}) ([\s\S]*)$/;

export const encodeEnvelope = ({ origin, number, previous, channel, message }: Envelope): string =>
  `${origin} ${number} ${previous} ${channel} ${message}`;

/** @returns undefined for anything that is no message of ours. */
export function decodeEnvelope(text: string): Envelope | undefined {
  const [, origin, number, previous, channel, message] = FORM.exec(text) ?? [];
  if (origin === undefined || channel === undefined || message === undefined) return undefined;
  return { origin, number: Number(number), previous: Number(previous), channel, message };
}
