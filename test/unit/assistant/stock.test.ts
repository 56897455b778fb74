import { describe, expect, it } from '@jest/globals';
import { DEMO_DEALERSHIP } from '../../../services/demo/dealership.js';
import { startConversation } from './_conversation.js';

const PRICES = new Set(DEMO_DEALERSHIP.inventory.map(({ price }) => price));

/** Every dollar figure of a reply that is not the shopper's own limit is a price of the inventory. */
function expectOnlyListedPrices(body: string): void {
  const own = body.replace(/(?:under|over|between|and) \$[\d,]+/g, '');
  for (const [, figure = ''] of own.matchAll(/\$([\d,]+)/g)) {
    expect(PRICES).toContain(Number(figure.replace(/,$/, '').replace(/,/g, '')));
  }
}

describe('Stock questions', () => {
  it.each([
    ['is the 2021 civic still there?', /Yes, the 2021 Honda Civic Sport is still in our inventory/, null],
    ['do you have any SUVs under 30k', /CX-5.*RAV4/, /CR-V/],
    ['anything in blue?', /Civic.*F-150/, null],
    ['stock P4502?', /2022 Honda CR-V EX-L/, null],
    ['p-4471', /2021 Honda Civic Sport/, null],
    ['got any used hondas', /Civic.*CR-V/, /2026/],
    ['new trucks', /2025 Ford F-150 Lariat/, /Tacoma/],
    ['trucks between 40 and 50 thousand', /F-150.*Tacoma/, /Lariat/],
    ['rav 4?', /RAV4/, null],
    ['civc', /Civic/, null],
    ['looking for a minivan', /Sienna/, null],
    ['anything electric?', /Tesla Model 3/, null],
    ['do you have a hatchback', /Golf/, null],
    ['crv under 40000', /2022 Honda CR-V/, /2026/],
    ['something under 60,000 km under 35k', /CR-V/, null],
    ['whats the cheapest car', /1\) 2019 Volkswagen Golf/, null],
    ['what do you have in stock', /5 SUVs, 4 sedans.*from \$17,995 plus tax and fees/, null],
    ['2022 or newer sedan', /Model 3|Civic/, /2021|Corolla/],
  ])('When asked "%s", then the inventory answers', async (question, holds, not) => {
    const { body } = await startConversation().text(question);
    expect(body).toMatch(holds);
    if (not) expect(body).not.toMatch(not);
    expectOnlyListedPrices(body);
    if (/\$\d/.test(body)) expect(body).toMatch(/plus tax and fees/);
  });

  it('When there are more than three matches, then at most three are listed and the count is told', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    const { body } = await shopper.text('which suvs do you have');
    expect(body).toMatch(/5 of those.*3\)/);
    expect(body).not.toMatch(/4\)/);
    expect((await shopper.text('anything else?')).body).toMatch(/RAV4|CR-V/);
  });

  it.each([
    ['Do you have a Camry?', /don't see a Toyota Camry.*Corolla/],
    ['a 2019 civic', /don't see a 2019 Honda Civic.*Civic/],
    ['truck under 20k', /don't see a truck under \$20,000.*F-150|Tacoma/],
    ['kia telluride', /don't see a Kia Telluride.*RAV4|CX-5|CR-V/],
    ['stock number Z9999', /can't find stock number Z9999/],
  ])('When "%s" is not there, then the reply says so and offers what is nearest', async (question, holds) => {
    const { body } = await startConversation().text(question);
    expect(body).toMatch(holds);
    expectOnlyListedPrices(body);
  });

  it('When a vehicle has no published price, then none is made up', async () => {
    const shopper = startConversation();
    expect((await shopper.text('new rav4?')).body).toMatch(/price not published/);
    const { body } = await shopper.text('how much is it');
    expect(body).toMatch(/no published price/);
    expect(body).not.toMatch(/\$/);
  });

  it('When the wish is narrowed or changed, then the newer words win', async () => {
    const shopper = startConversation();
    await shopper.text('do you have any suvs');
    expect((await shopper.text('under 25k?')).body).toMatch(/CX-5/);
    expect(shopper.slots.stockNumber).toBe('P4350');
    await shopper.text('actually the CR-V');
    expect(shopper.slots.vehicle).toBe('Honda CR-V');
    expect(shopper.slots.stockNumber).toBeUndefined();
    await shopper.text('the used one');
    expect(shopper.slots).toMatchObject({ vehicle: '2022 Honda CR-V', stockNumber: 'P4502' });
  });

  it.each([
    ['the hybrid one', 'N2611'],
    ['the lariat', undefined],
    ['the white one', 'P4502'],
    ['the cheaper one', 'P4502'],
    ['second', 'N2611'],
    ['how much is the used one', 'P4502'],
  ])('When two were listed and "%s" is said, then %s is meant', async (text, stockNumber) => {
    const shopper = startConversation();
    await shopper.text('any cr-vs?');
    await shopper.text(text);
    expect(shopper.slots.stockNumber).toBe(stockNumber);
  });

  it('When the price of a whole list is asked, then each is told with what comes on top', async () => {
    const shopper = startConversation();
    await shopper.text('any used suvs under 33k?');
    expect((await shopper.text('what are the prices')).body).toMatch(/\$19,995.*\$28,995/);
    expect((await shopper.text('mileage?')).body).toMatch(/96,200 km.*74,300 km/);
    expect((await shopper.text('does that include taxes')).body).toMatch(/before tax and fees/);
    expect((await shopper.text('too expensive')).body).toMatch(/What budget/);
    expect((await shopper.text('20')).body).toMatch(/CX-5/);
  });

  it('When a detail is not in the data, then the reply does not guess', async () => {
    const shopper = startConversation();
    await shopper.text('is the outback there?');
    expect((await shopper.text('does it have heated seats?')).body).toMatch(/don't have that detail/);
    expect((await shopper.text('any accidents?')).body).toMatch(/isn't in my notes/);
  });

  it('When "still available?" names no vehicle, then the reply asks which', async () => {
    expect((await startConversation().text('Is this still available?')).body).toMatch(
      /Which vehicle do you mean\?/,
    );
  });

  it('When there is no inventory, then no vehicle is invented', async () => {
    const shopper = startConversation({ inventory: [] });
    expect((await shopper.text('what do you have?')).body).toMatch(/don't have our inventory/);
    const { body } = await shopper.text('any civics?');
    expect(body).toMatch(/don't see a Honda Civic/);
    expect(body).not.toMatch(/\$/);
  });

  it('When financing comes up, then the first answer points to a person and the second brings one', async () => {
    const shopper = startConversation();
    const first = await shopper.text('do you do financing? my credit is bad');
    expect(first.body).toMatch(/person on our team.*can't quote/);
    expect(first.handoff).toBeUndefined();
    expect((await shopper.text('can I get approved?')).handoff?.reason).toMatch(/financing/);
  });
});
