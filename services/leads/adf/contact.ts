import type { ProspectContact, ProspectPhone } from '../prospect.js';
import { type Guess, given } from './ids.js';
import { PHONE_WORDS, readEmail } from './values.js';
import { attributeOf, childOf, childrenOf, textOf, type XmlNode } from './xml.js';

const MAX_PHONES = 10;

/** @param customer where `contact` should be; without one the customer itself is taken for it. */
export function readContact(customer: XmlNode, guess: Guess): ProspectContact {
  const contacts = childrenOf(customer, 'contact');
  const contact =
    contacts.find((node) => attributeOf(node, 'primarycontact') === '1') ?? contacts[0] ?? customer;
  const phones = childrenOf(contact, 'phone')
    .slice(0, MAX_PHONES)
    .flatMap((node) => readPhone(node, guess));
  const emailText = textOf(childOf(contact, 'email'), 300);
  const email = readEmail(emailText);
  if (emailText !== undefined && email === undefined)
    guess('the e-mail address cannot be read and is left out');
  return {
    ...given({
      name: readName(contact, guess),
      email,
      phones: phones.length > 0 ? phones : undefined,
      address: readAddress(childOf(contact, 'address'), guess),
      language: /^(en|fr|es)/.exec(textOf(childOf(contact, 'language'))?.toLowerCase() ?? '')?.[1],
    }),
  };
}

const PARTS = ['full', 'first', 'middle', 'last', 'suffix'] as const;

function readName(contact: XmlNode, guess: Guess): ProspectContact['name'] {
  const name: { -readonly [Part in (typeof PARTS)[number]]?: string } = {};
  for (const node of childrenOf(contact, 'name')) {
    const text = textOf(node, 100);
    if (text === undefined) continue;
    const said = attributeOf(node, 'part');
    const part = PARTS.find((known) => known === said) ?? 'full';
    if (part !== said) guess('a name without a part is taken as the full name');
    name[part] ??= text;
  }
  return given(name);
}

function readPhone(node: XmlNode, guess: Guess): ProspectPhone[] {
  const value = textOf(node, 40);
  if (value === undefined) return [];
  const said = attributeOf(node, 'type');
  const type = PHONE_WORDS[said ?? 'voice'];
  if (said !== undefined && said !== type) {
    guess(`a phone of a type that ADF does not have is taken as ${type ?? 'voice'}`);
  }
  const time = attributeOf(node, 'time');
  const isPreferred = attributeOf(node, 'preferredcontact') === '1';
  return [
    {
      value,
      type: type ?? 'voice',
      ...(time === undefined ? {} : { time }),
      ...(isPreferred ? { isPreferred } : {}),
    },
  ];
}

function readAddress(node: XmlNode | undefined, guess: Guess): ProspectContact['address'] {
  if (!node) return undefined;
  const street = childrenOf(node, 'street').flatMap((line) => textOf(line) ?? []);
  const region = textOf(childOf(node, 'regioncode'), 60);
  const misnamed = ['region', 'state', 'province'].flatMap(
    (name) => textOf(childOf(node, name), 60) ?? [],
  )[0];
  if (region === undefined && misnamed !== undefined) guess('the region is taken as the regioncode');
  return given({
    street: street.length > 0 ? street.slice(0, 5) : undefined,
    apartment: textOf(childOf(node, 'apartment'), 60),
    city: textOf(childOf(node, 'city'), 100),
    region: region ?? misnamed,
    postalCode: textOf(childOf(node, 'postalcode'), 20),
    country: textOf(childOf(node, 'country'), 60),
  });
}
