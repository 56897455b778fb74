import { describe, expect, it } from '@jest/globals';
import { isLoopbackAddress, isPublicAddress } from '../../../services/network/publicAddress.js';

describe('Addresses of the public internet', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.1.1',
    '100.63.0.1',
    '223.255.255.255',
  ])('%s is one', (address) => expect(isPublicAddress(address)).toBe(true));
  it.each(['2606:4700:4700::1111', '2a00:1450:4001:81b::200e', '2001:4860:4860::8888'])(
    '%s is one',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    ['this machine', '127.0.0.1'],
    ['this machine, another of its names', '127.255.255.254'],
    ['no address in particular', '0.0.0.0'],
    ['a private network', '10.0.0.1'],
    ['a private network', '172.16.0.1'],
    ['a private network', '172.31.255.255'],
    ['a private network', '192.168.1.1'],
    ["a carrier's inner network", '100.64.0.1'],
    ["a cloud's metadata", '169.254.169.254'],
    ['multicast', '224.0.0.1'],
    ['everybody here', '255.255.255.255'],
    ['a benchmark network', '198.18.0.1'],
    ['this machine', '::1'],
    ['no address in particular', '::'],
    ['this machine, mapped', '::ffff:127.0.0.1'],
    ['this machine, mapped, in digits', '::ffff:7f00:1'],
    ['metadata, mapped', '::ffff:169.254.169.254'],
    ['an IPv4 address in its oldest disguise', '::127.0.0.1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['unique local', 'fc00::1'],
    ['unique local', 'fd12:3456:789a::1'],
    ["a cloud's metadata over IPv6", 'fd00:ec2::254'],
    ['NAT64 to a private network', '64:ff9b::10.0.0.1'],
    ['6to4 to a private network', '2002:a00:1::'],
    ['Teredo', '2001:0:4136:e378::1'],
    ['documentation', '2001:db8::1'],
    ['multicast', 'ff02::1'],
    ['a name', 'localhost'],
    ['nothing', ''],
    ['a number that old tools read as an address', '2130706433'],
  ])('%s (%s) is none', (_what, address) => expect(isPublicAddress(address)).toBe(false));

  it('knows this machine', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1'].map(isLoopbackAddress)).toEqual([true, true, true]);
    expect(['10.0.0.1', '::2', 'localhost', '8.8.8.8'].map(isLoopbackAddress)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
