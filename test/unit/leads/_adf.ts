/** An inquiry with everything the format has; nobody in it exists. */
export const ADF_SAMPLE = `<?xml version="1.0" encoding="UTF-8"?>
<?adf version="1.0"?>
<adf>
  <prospect status="new">
    <id sequence="1" source="examplelistings">LST-204417</id>
    <requestdate>2026-11-18T19:42:07-08:00</requestdate>
    <vehicle interest="buy" status="used">
      <id source="examplelistings">VDP-99120</id>
      <year>2021</year><make>Honda</make><model>Civic</model>
      <vin>2HGFE1F51MH000001</vin><stock>P4471</stock><trim>Sport</trim>
      <odometer status="original" units="km">61200</odometer>
      <colorcombination><exteriorcolor>Blue</exteriorcolor><preference>1</preference></colorcombination>
      <price type="asking" currency="CAD">22995</price>
      <finance>
        <method>finance</method>
        <amount type="monthly" limit="maximum" currency="CAD">400</amount>
        <amount type="downpayment" limit="exact" currency="CAD">2500</amount>
      </finance>
    </vehicle>
    <vehicle interest="trade-in" status="used">
      <year>2018</year><make>Ford</make><model>F-150</model><vin>1FTFW1E82JF000042</vin>
      <odometer units="km">142000</odometer><condition>good</condition>
      <finance><method>finance</method><balance type="finance" currency="CAD">9100</balance></finance>
    </vehicle>
    <customer>
      <contact primarycontact="1">
        <name part="first" type="individual">Dana</name><name part="last">Okafor-Reyes</name>
        <email preferredcontact="0">dana@example.com</email>
        <phone type="cellphone" time="evening" preferredcontact="1">604-555-0142</phone>
        <address type="home"><city>Burnaby</city><regioncode>BC</regioncode><postalcode>V5H 0A1</postalcode>
          <country>CA</country></address>
      </contact>
      <timeframe><description>within 2 weeks</description><latestdate>2026-12-02</latestdate></timeframe>
      <comments>Is it still available &amp; can I see it Saturday? Text is best.</comments>
    </customer>
    <vendor>
      <id source="examplelistings">DLR-0881</id><vendorname>Northshore Example Motors</vendorname>
      <contact><name part="full">Internet Sales</name><email>leads@northshore.example</email></contact>
    </vendor>
    <provider>
      <name part="full">Example Listings</name><service>Classified lead</service><url>https://listings.example</url>
    </provider>
  </prospect>
</adf>`;

export interface AdfParts {
  readonly id?: string;
  readonly name?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly contact?: string;
  readonly vehicle?: string;
  readonly comments?: string;
}

/** A short document; what is given is put in as it is, markup and all. */
export const adfOf = ({
  id = '',
  name = 'Dana Okafor',
  phone = '<phone type="cellphone">604-555-0142</phone>',
  email = '',
  contact = '',
  vehicle = '',
  comments = '',
}: AdfParts = {}): string =>
  `<adf><prospect>${id}${vehicle}<customer><contact><name part="full">${name}</name>${email}${phone}${contact}</contact>` +
  `<comments>${comments}</comments></customer><vendor><vendorname>Example Motors</vendorname></vendor></prospect></adf>`;
