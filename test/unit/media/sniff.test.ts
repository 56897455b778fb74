import { describe, expect, it } from '@jest/globals';
import { extensionOf, isAsDeclared, SERVED_TYPES, sniff } from '../../../services/media/sniff.js';
import { MEDIA_SAMPLES } from '../../support/mediaSamples.js';

const sniffed = (type: string) => sniff(MEDIA_SAMPLES[type] as Buffer);

describe('What bytes are', () => {
  it.each(Object.keys(MEDIA_SAMPLES))('%s is known by its first bytes', (type) => {
    expect(sniffed(type)?.contentType).toBe(type);
  });

  it('serves the types of the samples and no others', () => {
    expect(SERVED_TYPES).toEqual(Object.keys(MEDIA_SAMPLES).sort());
    expect(SERVED_TYPES.filter((type) => /html|svg|xml|javascript/.test(type))).toEqual([]);
  });

  it.each([
    ['a page', '<!DOCTYPE html><script>alert(1)</script>'],
    ['a page behind blanks', '\n\n  <html>'],
    ['a drawing that can run scripts', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">'],
    ['a program', 'MZ\u0090\u0000'],
    ['an archive', 'PK\u0003\u0004'],
    ['a script', '#!/bin/sh\n'],
    ['words', 'BM stands for Bowling Master, which is no picture at all'],
    ['nothing', ''],
    ['a container of a kind that no phone sends', '\u0000\u0000\u0000\u0018ftypXXXX'],
  ])('%s is not taken in', (_what, text) => {
    expect(sniff(Buffer.from(text, 'latin1'))).toBeUndefined();
  });

  it('knows audio frames without a tag from the byte order mark of a text', () => {
    expect(sniff(Buffer.from('fffb9064', 'hex'))?.contentType).toBe('audio/mpeg');
    expect(sniff(Buffer.from('fffe3c00', 'hex'))).toBeUndefined();
  });
});

describe('Whether bytes are what was announced', () => {
  it.each([
    ['image/jpeg', 'image/jpeg', true],
    ['image/jpeg', 'image/jpg', true],
    ['image/png', 'image/jpeg', true],
    ['image/jpeg', 'IMAGE/JPEG; charset=binary', true],
    ['image/jpeg', 'application/octet-stream', true],
    ['video/3gpp', 'audio/3gpp', true],
    ['video/mp4', 'audio/mp4', true],
    ['audio/ogg', 'application/ogg', true],
    ['text/vcard', 'text/x-vcard', true],
    ['text/vcard', 'text/directory', true],
    ['application/pdf', 'application/pdf', true],
    ['image/jpeg', 'application/pdf', false],
    ['application/pdf', 'image/jpeg', false],
    ['video/mp4', 'image/jpeg', false],
    ['image/jpeg', 'text/html', false],
    ['audio/amr', 'video/mp4', false],
    ['text/vcard', 'text/html', false],
  ])('%s announced as %s: %s', (type, declared, expected) => {
    const what = sniffed(type);
    expect(what && isAsDeclared(what, declared)).toBe(expected);
  });

  it('has a file name ending for each', () => {
    const endings = SERVED_TYPES.map(extensionOf);
    expect(new Set(endings).size).toBe(SERVED_TYPES.length);
    expect(endings.every((ending) => /^[a-z0-9]{3,4}$/.test(ending))).toBe(true);
  });
});
