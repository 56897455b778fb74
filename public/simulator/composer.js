/** Where one writes: grows with the text, counts segments, Enter sends. */
import { byId, element, plural, setText } from './dom.js';
import { countSegments } from './segments.js';

const EXAMPLES = [
  'Hi! Is the Civic still available?',
  'What are your hours on Saturday?',
  'I have a 2018 F-150 to trade in',
];
const MAX_HEIGHT_PX = 132;

export function createComposer({ onSend }) {
  const [form, body] = [byId('composer'), byId('body')];

  const draw = () => {
    body.style.height = 'auto';
    body.style.height = `${Math.min(body.scrollHeight, MAX_HEIGHT_PX)}px`;
    byId('send').disabled = body.value.trim() === '';
    setText(byId('count'), body.value === '' ? '' : shownCount(body.value));
  };
  /** Takes the text out of the field. */
  const take = () => {
    const text = body.value.trim();
    body.value = '';
    draw();
    return text;
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = take();
    if (text) onSend(text);
    body.focus();
  });
  body.addEventListener('input', draw);
  body.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  for (const example of EXAMPLES) {
    const chip = element('button', 'chip', example);
    chip.type = 'button';
    chip.addEventListener('click', () => onSend(example));
    byId('chips').append(chip);
  }
  draw();
  return { take, focus: () => body.focus({ preventScroll: true }) };
}

function shownCount(text) {
  const { encoding, segments } = countSegments(text);
  // Outside the GSM alphabet a segment holds 70 characters instead of 160: worth knowing while one writes.
  const alphabet = encoding === 'UCS-2' ? ' (UCS-2)' : '';
  return `${plural(text.length, 'character')} · ${plural(segments, 'segment')}${alphabet}`;
}
