/** What the dealership sees beside the phone. */
import { byId, element, setText } from './dom.js';

const UNKNOWN = 'not known yet';

const FACTS = [
  ['Answers', ({ owner, ownerName }) => (owner === 'human' ? (ownerName ?? 'a person') : 'AI assistant')],
  ['Name', ({ slots }) => slots.name],
  ['Vehicle', ({ slots }) => withStock(slots)],
  ['Trade-in', ({ slots }) => slots.tradeIn],
  ['Timeframe', ({ slots }) => slots.timeframe],
  ['Visit', ({ slots }) => shownVisit(slots)],
  ['Opted out', ({ optedOut }) => (optedOut ? 'yes: nothing may leave for this phone' : 'no')],
];

const withStock = ({ vehicle, stockNumber }) =>
  vehicle && stockNumber ? `${vehicle} (stock ${stockNumber})` : vehicle;

/** `visitAt` is local time at the dealership, so it is shown as it stands, in no zone of this browser. */
function shownVisit({ visitAt, visitStatus }) {
  if (!visitAt) return undefined;
  const at = new Date(`${visitAt.slice(0, 16)}Z`);
  const shown = Number.isNaN(at.getTime())
    ? visitAt
    : at.toLocaleString([], {
        timeZone: 'UTC',
        weekday: 'short',
        day: 'numeric',
        month: 'short',
        hour: '2-digit',
        minute: '2-digit',
      });
  return visitStatus ? `${shown}, ${visitStatus}` : shown;
}

export function createPanel() {
  const list = byId('facts');
  const values = FACTS.map(([name]) => {
    const value = element('dd', '');
    list.append(element('dt', '', name), value);
    return value;
  });
  return (dealership) => {
    for (const [index, [, read]] of FACTS.entries()) {
      const known = read(dealership);
      values[index].classList.toggle('unknown', !known);
      setText(values[index], known || UNKNOWN);
    }
    setText(byId('summary'), dealership.summary || 'No summary yet: it comes with the first reply.');
    byId('summary').classList.toggle('unknown', !dealership.summary);
  };
}
