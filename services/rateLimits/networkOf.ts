import { isIPv6 } from 'node:net';

/**
 * The network that an address stands for: itself for IPv4 (also when written inside IPv6), the first 64 bits for IPv6.
 * Anything else is taken as it is, so that whoever has no readable address shares one count.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ''] = address.split('%', 1);
  if (!isIPv6(bare)) return address;
  const [head = '', tail] = bare.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 tail takes two groups, and lies in the half that does not count.
  const groups = left.length + right.length + (bare.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - groups;
  const all = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
