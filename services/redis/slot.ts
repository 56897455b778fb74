/** The hash slot of a name, as every Redis Cluster computes it: CRC-16/XMODEM of the hash tag, else of all of it. */

export const SLOTS = 16_384;

const POLYNOMIAL = 0x1021;
const crcOfByte = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc;
});

/** @returns 0 to 16383. */
export function slotOf(name: string): number {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  // An empty tag is none.
  const bytes = Buffer.from(close > open + 1 ? name.slice(open + 1, close) : name);
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ (crcOfByte[((crc >> 8) ^ byte) & 0xff] ?? 0)) & 0xffff;
  return crc % SLOTS;
}

/** A name that begins with `prefix` and lies in one of the slots; there is one in every slot. */
export function nameInSlots(prefix: string, isWanted: (slot: number) => boolean): string {
  for (let n = 0; ; n += 1) {
    const name = `${prefix}:{${n}}`;
    if (isWanted(slotOf(name))) return name;
    // Sixty-four times the number of slots: only a set without slots gets here.
    if (n > SLOTS * 64) throw new Error('No slot is wanted.');
  }
}
