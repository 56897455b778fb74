/**
 * A resolver for connections to URLs that somebody else chose. Every address of a name is checked before anything
 * connects, and the connection goes to what was checked; one that is not public among others refuses the name.
 */
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { asError } from '../errors.js';
import { isLoopbackAddress, isPublicAddress } from './publicAddress.js';

export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
}

export interface PublicLookupOptions {
  /** For tests and for trying things out on one machine. */
  readonly isLoopbackAllowed: boolean;
  /** Instead of the system's resolver: all addresses of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly Address[]>;
}

/**
 * @param url where the request goes.
 * @throws AddressRefusedError for a host that is written as an address, which no resolver is asked about.
 */
export function publicLookup({ hostname }: URL, options: PublicLookupOptions): LookupFunction {
  const { isLoopbackAllowed, resolve = (name) => dns.promises.lookup(name, { all: true }) } = options;
  const isAllowed = (address: string) =>
    isPublicAddress(address) || (isLoopbackAllowed && isLoopbackAddress(address));
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !isAllowed(literal)) throw new AddressRefusedError('private_address');
  const find = async (name: string): Promise<readonly Address[]> => {
    const addresses = await resolve(name);
    if (addresses.length === 0) throw new Error('no_address');
    if (addresses.every(({ address }) => isAllowed(address))) return addresses;
    throw new AddressRefusedError('private_address');
  };
  return (name, { all }, callback) => void answer(find(name), all === true, callback);
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** As the resolver of a connection wants to be answered: all addresses, or the first. */
async function answer(
  finding: Promise<readonly Address[]>,
  all: boolean,
  callback: Parameters<LookupFunction>[2],
): Promise<void> {
  let found: readonly Address[];
  try {
    found = await finding;
  } catch (error) {
    callback(asError(error), '');
    return;
  }
  const [first] = found;
  if (all) callback(null, [...found]);
  else callback(null, first?.address ?? '', first?.family);
}
